"""`sandbox_init` of macOS, with a profile of its own. Not run on a Mac by its author.

The call is deprecated since 10.8 and still what browsers use; the language of profiles is not documented by Apple, so
this one keeps to what Chromium's and Firefox's published profiles use.
"""

import ctypes
import fcntl
from collections.abc import Iterable
from typing import Any

F_GETPATH, LONGEST_PATH = 50, 1024  # <sys/fcntl.h>, <sys/syslimits.h>

_PROFILE = """(version 1)
(deny default)
(allow sysctl-read)
(allow signal (target self))
(allow process-info* (target self))
(allow file-read-metadata)
(allow file-read* (literal "/dev/null") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-read-data (regex #"^/dev/fd/[0-9]+$"))
"""


def profile(folders: Iterable[str], files: Iterable[str]) -> str:
    """Return a profile that allows nothing but the reading of what lies in *folders*, and of *files*."""
    subpaths = (f"(allow file-read* (subpath {_quoted(folder)}))\n" for folder in folders)
    literals = (f"(allow file-read* (literal {_quoted(file)}))\n" for file in files)
    return _PROFILE + "".join([*subpaths, *literals])


def restrict(library: Any, folders: Iterable[str], files: Iterable[int]) -> None:
    """Lock this process with the loaded *library*; *files* are open descriptors. Raises `OSError`."""
    text = profile(folders, map(path_of, files)).encode("utf-8", "surrogateescape")
    message = ctypes.c_char_p()
    library.sandbox_init.argtypes = (ctypes.c_char_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_char_p))
    if library.sandbox_init(text, 0, ctypes.byref(message)):
        why = (message.value or b"no reason given").decode("utf-8", "replace")
        library.sandbox_free_error(message)
        raise OSError(0, f"sandbox_init: {why}")


def path_of(descriptor: int) -> str:
    """Return the path of the file behind a descriptor."""
    found = fcntl.fcntl(descriptor, F_GETPATH, bytes(LONGEST_PATH))
    return found.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
