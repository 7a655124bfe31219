"""Where the control socket of a state folder lies, and whose it is. It creates nothing.

Client and daemon find out apart from each other, in different sessions, and so without the environment: TMPDIR and
XDG_RUNTIME_DIR differ between an agent, a terminal and sudo.
"""

import os
import sys
import zlib

LONGEST_PATH = 100  # bytes; sun_path holds 104 on macOS, 108 on Linux, with the closing NUL
USER_TEMP_DIR = 65537  # _CS_DARWIN_USER_TEMP_DIR of <unistd.h>: private to the user, and no matter of TMPDIR


def candidates(state: str) -> list[str]:
    """Return the places in the order in which they are tried: inside *state*, then the user's own runtime folders.

    The path may be too long for a socket there, and shared folders of containers, exFAT and some network drives hold
    none at all. What can be no socket's path is left out.
    """
    name = f"{zlib.crc32(os.fsencode(state)):08x}.sock"
    inside = os.path.join(state, "control.sock")
    found = [inside, *(os.path.join(folder, name) for folder in _runtime_folders(owner(state)))]
    return [path for path in found if len(os.fsencode(path)) <= LONGEST_PATH]


def owner(state: str) -> int:
    """Return the user whose daemon works on *state*: the folder's owner; ourselves where it is not there yet."""
    try:
        return os.stat(state).st_uid
    except OSError:
        return os.getuid()


def _runtime_folders(user: int) -> list[str]:
    """Return folders that are the user's alone; the last is emptied by cleaners, and there everywhere."""
    platforms = _user_temporary() if sys.platform == "darwin" else f"/run/user/{user}"
    shared = f"/tmp/dropscribe-{user}"
    return [os.path.join(platforms, "dropscribe"), shared] if platforms and os.path.isdir(platforms) else [shared]


def _user_temporary() -> str | None:
    try:
        return os.confstr(USER_TEMP_DIR)
    except (OSError, ValueError):
        return None
