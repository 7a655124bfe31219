"""How the disk itself spells a path: links followed and, on a Mac, in the case that the names were made in.

Default APFS minds no case: `~/dropscribe/INBOX` opens `~/Dropscribe/inbox`, and FSEvents reports the latter. Paths that
users see stay as they wrote them; this is only for comparing.
"""

import fcntl
import os
import sys
import unicodedata

_LONGEST = 1024  # MAXPATHLEN of <sys/param.h>, the buffer that F_GETPATH wants


def on_disk(path: str) -> str:
    """Return the absolute *path* as the disk has it; of what is not there yet, the part that is."""
    real = os.path.realpath(path)
    missing: list[str] = []
    while not os.path.isdir(real) and real != os.path.dirname(real):
        real, name = os.path.split(real)
        missing.insert(0, name)
    return os.path.join(_spelled(real), *missing)


def same_folder_key(path: str) -> str:
    """Return what is equal for two paths of one folder; on a Mac a name counts in any case and normalisation.

    A disk that does mind case is not asked: two names that differ by nothing else are refused there too.
    """
    found = on_disk(path)
    return unicodedata.normalize("NFC", found).casefold() if sys.platform == "darwin" else found


def _spelled(folder: str) -> str:
    if sys.platform == "darwin":
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return folder  # it may be entered but not listed
        try:
            # The kernel's own name for an open file, fcntl(2); firmlinks of the data volume are taken out.
            return os.fsdecode(fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(_LONGEST)).rstrip(b"\0"))
        except OSError:
            return folder  # a file system that cannot tell
        finally:
            os.close(handle)
    return folder
