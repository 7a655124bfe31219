"""The user's own folders. A user may have none: a container's number without a name, and no HOME; that is told."""

import os
from collections.abc import Callable

from dropscribe.core.errors import ConfigError, Fault


def home() -> str:
    """Return the user's home folder; raise `ConfigError` where nobody knows it."""
    path = os.path.expanduser("~")
    if not os.path.isabs(path):
        raise _unknown()
    return path


def place(find: Callable[..., str]) -> str:
    """Return the folder of ours that *find*, a function of platformdirs, names; raise `ConfigError` without a home."""
    try:
        path = find("dropscribe", appauthor=False)
    except RuntimeError:  # older ones return a path with ~ in it
        raise _unknown() from None
    if not os.path.isabs(path):
        raise _unknown()
    return path


def _unknown() -> ConfigError:
    what = f"the user {os.getuid()} has no home folder here: the system does not know this user, and HOME is not set"
    return ConfigError([Fault("dropscribe", what, "set HOME to a folder that this user can write to")])
