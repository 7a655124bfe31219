"""A page's pixels in shared memory: written by a decoder, read by the worker. A nameless file, in memory only."""

import mmap
import os
import sys
import tempfile

from PIL import Image


def shared_memory() -> int:
    """Return a descriptor of new shared memory, empty; the caller closes it."""
    if sys.platform == "linux":
        return os.memfd_create("dropscribe-page", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(buffering=0) as file:  # unlinked at once; its pages stay in the cache
        return os.dup(file.fileno())


def write(descriptor: int, image: Image.Image) -> None:
    """Put the pixels of an RGB *image* into the shared memory, whatever was there before."""
    content = image.tobytes()
    os.ftruncate(descriptor, len(content))
    with mmap.mmap(descriptor, len(content)) as memory:
        memory[:] = content


def read(descriptor: int, width: int, height: int) -> Image.Image:
    """Return the RGB picture in the shared memory and empty it; raise `ValueError` when it is not of that size."""
    if width < 1 or height < 1 or os.fstat(descriptor).st_size != width * height * 3:
        raise ValueError(f"the shared memory holds no picture of {width} x {height} pixels")
    with mmap.mmap(descriptor, width * height * 3, prot=mmap.PROT_READ) as memory:
        image = Image.frombytes("RGB", (width, height), memoryview(memory))
    os.ftruncate(descriptor, 0)
    return image
