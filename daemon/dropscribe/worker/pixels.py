"""A page's pixels in shared memory: written by a decoder, read by the worker. A nameless file, in memory only.

A decoder may be in the hands of whoever made its file. It can write here while the worker reads, which changes only
what its own page shows; on Linux it can neither shrink nor grow what is shared (seals), and nothing is ever mapped by
the worker that might go from under it.
"""

import fcntl
import mmap
import os
import sys
import tempfile

from PIL import Image

STRETCH = 4  # times as many pixels as the file's picture a page may have: those that are not square are made so


def shared_memory(max_pixels: int) -> int:
    """Return a descriptor of new shared memory for pages of pictures of so many pixels; the caller closes it."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("dropscribe-page", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, room(max_pixels))  # takes no memory until it is written to
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        return descriptor
    with tempfile.TemporaryFile(buffering=0) as file:  # unlinked at once; its pages stay in the cache
        return os.dup(file.fileno())


def room(max_pixels: int) -> int:
    """Return the bytes that the largest page takes, where pictures have at most *max_pixels*."""
    return 3 * STRETCH * max_pixels + (1 << 24)


def write(descriptor: int, content: bytes) -> None:
    """Put *content* into the shared memory, over whatever was there before."""
    rest, at = memoryview(content), 0
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def read(descriptor: int, size: int) -> bytearray:
    """Return the first *size* bytes of the shared memory and empty it; raise `ValueError` when it has fewer."""
    content = bytearray(size if size <= os.fstat(descriptor).st_size else 0)
    rest, at = memoryview(content), 0
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        file.seek(0)
        while at < len(content) and (got := file.readinto(rest[at:])):
            at += got
    if at < size:
        raise ValueError(f"the shared memory holds no {size} bytes")
    _empty(descriptor, size)
    return content


def read_image(descriptor: int, width: int, height: int) -> Image.Image:
    """Return the RGB picture in the shared memory and empty it; raise `ValueError` when it is not of that size."""
    if width < 1 or height < 1:
        raise ValueError(f"no picture is {width} x {height} pixels large")
    return Image.frombytes("RGB", (width, height), read(descriptor, width * height * 3))


def _empty(descriptor: int, size: int) -> None:
    """Give the memory of the first *size* bytes back."""
    if sys.platform != "linux":
        os.ftruncate(descriptor, 0)
    elif size:
        with mmap.mmap(descriptor, size) as memory:
            memory.madvise(mmap.MADV_REMOVE)
