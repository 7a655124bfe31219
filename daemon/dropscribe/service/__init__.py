"""The daemon: one loop that joins all parts."""
