"""Where the daemon of a settings file keeps its state: for commands whose settings file has become faulty since.

A link for each daemon, in the platform's own place for state, named after the path of the settings file. It is a help
and no record: a missing or stale one only means that the command looks where the settings say.
"""

import contextlib
import os
import zlib

from dropscribe.config import default_path, state_home


def _link(path: str | None) -> str:
    name = os.path.realpath(path or default_path())
    return os.path.join(state_home(), "daemons", f"{zlib.crc32(os.fsencode(name)):08x}")


def leave_word(path: str | None, state: str) -> None:
    """Note that the daemon of the settings file *path* (None: the default one) works on *state*; never fails."""
    link = _link(path)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(link), mode=0o700, exist_ok=True)
        staged = f"{link}.{os.getpid()}"
        os.symlink(state, staged)
        os.replace(staged, link)


def state_of(path: str | None) -> str | None:
    """Return the state folder that was noted last for the settings file *path*, if there is one."""
    try:
        state = os.readlink(_link(path))
    except OSError:
        return None
    return state if os.path.isdir(state) else None


def forget(path: str | None) -> None:
    """Take the note back; never fails."""
    with contextlib.suppress(OSError):
        os.unlink(_link(path))
