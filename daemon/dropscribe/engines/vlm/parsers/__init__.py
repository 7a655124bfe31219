"""What models answer, parsed into blocks, Markdown and plain text."""
