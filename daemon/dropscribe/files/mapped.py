"""A file's bytes in memory without a copy, for PDFium: its binding would look for the path behind a descriptor."""

import ctypes
import mmap


def mapped(path: str) -> "ctypes.Array[ctypes.c_char]":
    """Return the bytes of the file at *path*, mapped, for as long as the result is held."""
    with open(path, "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # ctypes wants what could be written to
    return (ctypes.c_char * len(pages)).from_buffer(pages)
