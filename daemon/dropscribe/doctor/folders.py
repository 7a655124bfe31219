"""Rights, tried for real: list, write, read back, rename, remove, in every folder. Looking at modes proves nothing.

This is what the present terminal may do; what an agent may do is asked of the agent itself (`agents`).
"""

import errno
import os
import sys
from collections.abc import Iterator

from dropscribe.agent import places
from dropscribe.config import Settings
from dropscribe.doctor.values import Check, fault, ok, skipped

NAMES = ("inbox", "outbox", "archive", "failed", "state")
TRIAL = b"dropscribe doctor was here\n"


def all_of(settings: Settings, daemon_runs: bool) -> Iterator[Check]:
    """Try each folder of the settings; one that is missing is a fault only while a daemon wants it."""
    places_of = {f"folder {name}": getattr(settings.folders, name) for name in NAMES}
    for name, path in {**places_of, "folder log": settings.log.folder}.items():
        yield tried(name, path) if os.path.lexists(path) else missing(name, path, daemon_runs)


def missing(name: str, path: str, daemon_runs: bool) -> Check:
    """Judge a folder that is not there: before the first start that is as it should be."""
    if daemon_runs:
        return fault(name, f"{path} is not there while the daemon runs", "bring it back, or restart the daemon")
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.access(above, os.W_OK | os.X_OK):
        return fault(name, f"{path} is not there and cannot be made in {above}", "choose another folder in config.yaml")
    return skipped(name, f"{path} is not there yet; the daemon makes it at its start")


def tried(name: str, path: str, platform: str = sys.platform) -> Check:
    """Try the folder at *path* and tell the first thing that does not work."""
    step = "list"
    trial = os.path.join(path, f".dropscribe-doctor-{os.getpid()}")  # hidden: never taken for a file to read
    renamed = trial + "-renamed"
    try:
        os.listdir(path)
        step = "write in"
        handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, TRIAL)
        finally:
            os.close(handle)
        step = "read in"
        with open(trial, "rb") as file:
            if file.read() != TRIAL:
                raise OSError(errno.EIO, "what was written is not what is read")
        step = "rename in"
        os.rename(trial, renamed)
        step = "remove from"
        os.unlink(renamed)
    except OSError as error:
        return refusal(name, path, step, error, platform)
    finally:
        for left in (trial, renamed):
            try:
                os.unlink(left)
            except OSError:  # it is not there, or this is the very fault that is being told
                pass
    return ok(name, f"{path}: list, write, read, rename and remove work")


def refusal(name: str, path: str, step: str, error: OSError, platform: str) -> Check:
    """Return the check for a *step* that the system refused with *error*; *platform* as in `sys.platform`."""
    what = f"{path}: cannot {step} it ({error.strerror})"
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and step == "list":
        return fault(
            name, f"{path} is no folder ({error.strerror})", "move what is there away; the folder is made anew"
        )
    if error.errno == errno.EPERM and platform == "darwin":
        return fault(name, f"{what}: macOS protects this place", places.REMEDY)
    if error.errno in (errno.EACCES, errno.EPERM):
        return fault(name, what, f"give yourself the right to it: chmod u+rwx '{path}'")
    if error.errno == errno.EROFS:
        return fault(name, what, "the disk is read-only; choose a folder on another one")
    if error.errno == errno.ENOSPC:
        return fault(name, what, "free some space; the queue goes on by itself")
    return fault(name, what, "choose another folder in config.yaml")
