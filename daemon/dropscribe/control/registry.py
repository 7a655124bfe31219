"""Where the daemon of a settings file keeps its state: for commands whose settings file has become faulty since.

A link for each daemon, in the platform's own place for state, named after the path of the settings file. It is a help
and no record: a missing or stale one only means that the command looks where the settings say.
"""

import contextlib
import os
import zlib

from dropscribe.config import default_path, state_home
from dropscribe.control import lock


def _link(path: str | None) -> str:
    name = os.path.realpath(path or default_path())
    return os.path.join(state_home(), "daemons", f"{zlib.crc32(os.fsencode(name)):08x}")


class Registration:
    """The note of a running daemon: it works for the settings file *path* (None: the default one) on *state*."""

    def __init__(self, path: str | None, state: str) -> None:
        """Leave the note; that it cannot be left is no fault."""
        self._link, self._state = _link(path), state
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._link), mode=0o700, exist_ok=True)
            staged = f"{self._link}.{os.getpid()}"
            os.symlink(state, staged)
            os.replace(staged, self._link)

    def close(self) -> None:
        """Take the note back, if it is still ours; may be called twice."""
        with contextlib.suppress(OSError):
            if os.readlink(self._link) == self._state:
                os.unlink(self._link)


def state_of(path: str | None) -> str | None:
    """Return the state folder of the daemon that runs for the settings file *path*, if one does and has left word."""
    try:
        state = os.readlink(_link(path))
    except OSError:
        return None
    return state if lock.holder(state) is not None else None
