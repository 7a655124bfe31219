"""The bounds within which a file is decoded: its size, the pixels of a page, the memory a decoder may take.

Time is not bounded here (the daemon ends a worker that overstays), and nothing is decoded here.
"""

import errno
import os
import resource
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError, Stopped
from dropscribe.memory import readings

# A decoder may take so much address space beyond what the process holds: for any document, for each byte of its file
# (mapped, held, repaired, and rewritten), and for each pixel of the largest page so far. Per pixel: OpenJPEG keeps 4
# bytes for each of up to four components, Pillow 4 for the picture, and one more copy exists while colours are
# converted. A decoder whose file has no such page has no use for more: 163 KB of metadata, packed twice, wanted 5.7 GB.
MEMORY_FLOOR_BYTES = 512 << 20
MEMORY_PER_FILE_BYTE = 4
MEMORY_PER_PIXEL_BYTES = 24

# Errors of a seek or a read that only say that an offset in the file makes no sense.
_NONSENSE = {None, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.ENOMEM}

_one_at_a_time = threading.RLock()  # address space, warnings and Pillow's bound belong to the whole process


def memory_beyond(file_bytes: int, pixels: int) -> int:
    """Return the bytes that decoding a file with pages of at most *pixels* may take beyond what the process has."""
    return MEMORY_FLOOR_BYTES + MEMORY_PER_FILE_BYTE * file_bytes + MEMORY_PER_PIXEL_BYTES * pixels


def check_size(path: str, settings: Settings) -> None:
    """Raise `ReasonedError` when the file at *path* is empty, larger than `intake.max_file`, or not readable."""
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise unreadable(error) from None
    if size == 0:
        raise ReasonedError(Reason.EMPTY, "The file is empty.")
    if size > settings.intake.max_file:
        limit = settings.intake.max_file
        raise ReasonedError(Reason.TOO_BIG, f"The file has {size:,} bytes; intake.max_file allows {limit:,}.")


def check_pixels(width: int, height: int, settings: Settings, what: str) -> None:
    """Raise `ReasonedError` when *what*, of that many pixels, is over `intake.max_pixels`."""
    if width * height > settings.intake.max_pixels:
        limit = settings.intake.max_pixels
        detail = f"{what} has {width:,} x {height:,} pixels; intake.max_pixels allows {limit:,}."
        raise ReasonedError(Reason.TOO_MANY_PIXELS, detail)


def check_pages(count: int, settings: Settings) -> None:
    """Raise `ReasonedError` when *count* pages are more than `intake.max_pages`."""
    if count > settings.intake.max_pages:
        detail = f"The document has more pages than intake.max_pages allows ({settings.intake.max_pages:,})."
        raise ReasonedError(Reason.TOO_MANY_PAGES, detail)


def unreadable(error: OSError) -> ReasonedError:
    """Return the error for a file that the system would not let us read."""
    return ReasonedError(Reason.UNREADABLE, f"The file cannot be read: {error.strerror or error}.")


@contextmanager
def decoding(what: str, settings: Settings, pixels: int = 0) -> Iterator[None]:
    """Run a decoder on *what* (the start of a sentence): bounded in memory, and with every fault a `ReasonedError`.

    *pixels* is the size of what is decoded, where it is known; else `make_room` follows as soon as it is.
    """
    with _one_at_a_time, _pixel_bound(settings.intake.max_pixels), _memory.bound(pixels):
        try:
            yield
        except (ReasonedError, Stopped):
            raise
        except MemoryError:
            raise ReasonedError(Reason.DECODE_MEMORY, f"{what} takes too much memory to decode.") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            limit = f"{settings.intake.max_pixels:,}"
            raise ReasonedError(
                Reason.TOO_MANY_PIXELS, f"{what} has more pixels than intake.max_pixels allows ({limit})."
            ) from None
        except OSError as error:
            if error.errno not in _NONSENSE:
                raise unreadable(error) from None
            raise fault(what, error) from None
        except Exception as error:  # decoders raise anything at all for a file that is damaged
            raise fault(what, error) from None


def fault(what: str, error: Exception) -> ReasonedError:
    """Return the error that a decoder's own *error* stands for, judged by its words."""
    words = str(error).lower()
    if "memory" in words and ("alloc" in words or "out of" in words):
        return ReasonedError(Reason.DECODE_MEMORY, f"{what} takes too much memory to decode.")
    if any(sign in words for sign in ("unsupported", "not supported", "cannot handle", "decoding plugin")):
        return ReasonedError(Reason.UNSUPPORTED, f"{what} is stored in a way that cannot be decoded here.")
    if any(sign in words for sign in ("truncated", "unexpected end", "eof", "end of file", "not enough image data")):
        return ReasonedError(Reason.TRUNCATED, f"{what} is cut off: its end is missing.")
    return ReasonedError(Reason.DAMAGED, f"{what} is damaged and cannot be decoded.")


@contextmanager
def _pixel_bound(pixels: int) -> Iterator[None]:
    """Make Pillow's own check, which looks into nested pictures too, raise at our bound instead of its own."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no concern of ours
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


class _Memory:
    """The bound of this process's address space. Linux only: macOS does not enforce it."""

    def __init__(self) -> None:
        self._base: int | None = None  # bytes that the process had before any decoding; None: it is not bound
        self._pixels = 0
        self._most = resource.RLIM_INFINITY  # what was allowed to the process before

    def bound_for_good(self, file_bytes: int) -> None:
        """Keep the bound between calls, too: for a process that does nothing else than decode one file."""
        held = readings.address_space()
        if held is not None:
            self._base, self._most = held + MEMORY_PER_FILE_BYTE * file_bytes, resource.getrlimit(resource.RLIMIT_AS)[0]
            self._set()

    @contextmanager
    def bound(self, pixels: int) -> Iterator[None]:
        """Bound it for what has so many *pixels*."""
        held = readings.address_space() if self._base is None else None
        if held is None:  # bounded already, or the system does not
            self.make_room(pixels)
            yield
            return
        before = resource.getrlimit(resource.RLIMIT_AS)
        self._base, self._most = held, before[0]
        try:
            self.make_room(pixels)
            self._set()
            yield
        finally:
            self._base, self._pixels = None, 0
            resource.setrlimit(resource.RLIMIT_AS, before)

    def make_room(self, pixels: int) -> None:
        """Raise the bound for a page of so many *pixels*; it never sinks while pictures may be held."""
        if pixels > self._pixels:
            self._pixels = pixels
            self._set()

    def _set(self) -> None:
        if self._base is None:
            return
        wanted = self._base + memory_beyond(0, self._pixels)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        ceilings = [limit for limit in (self._most, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *ceilings]), hard))


_memory = _Memory()
make_room = _memory.make_room
bound_for_good = _memory.bound_for_good
