"""The bounds within which a file is decoded: its size, the pixels of a page, the memory a decoder may take.

Time is not bounded here (the daemon ends a worker that overstays), and nothing is decoded here.
"""

import errno
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError, Stopped

# A decoder may take so much beyond what the process holds. Per pixel: OpenJPEG keeps 4 bytes for each of up to four
# components, Pillow 4 for the picture, and one more copy exists while colours are converted.
MEMORY_FLOOR_BYTES = 1 << 30
MEMORY_PER_PIXEL_BYTES = 24

# Errors of a seek or a read that only say that an offset in the file makes no sense.
_NONSENSE = {None, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.ENOMEM}

_one_at_a_time = threading.RLock()  # address space, warnings and Pillow's bound belong to the whole process


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
def decoding(what: str, settings: Settings, pixels: int | None = None) -> Iterator[None]:
    """Run a decoder on *what* (the start of a sentence): bounded in memory, and with every fault a `ReasonedError`.

    *pixels* is the size of what is decoded, where it is known; without it the largest allowed picture is assumed.
    """
    with _one_at_a_time, _pixel_bound(settings.intake.max_pixels), _memory_bound(pixels or settings.intake.max_pixels):
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


@contextmanager
def _memory_bound(pixels: int) -> Iterator[None]:
    """Bound the process's address space, relative to what it has now. Linux only: macOS does not enforce it."""
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", "rb") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    bound = held + MEMORY_FLOOR_BYTES + MEMORY_PER_PIXEL_BYTES * pixels
    ceilings = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([bound, *ceilings]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
