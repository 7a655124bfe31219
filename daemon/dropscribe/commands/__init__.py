"""The commands of the command line, one small module for each group; `cli` parses and dispatches."""
