"""From the bytes of a file to upright pages."""
