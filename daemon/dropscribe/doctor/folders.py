"""Permissions, tested by using them in every folder: list, write, read back, rename, remove.

This is what the current terminal may do; what an agent may do is asked of the agent itself (`agents`).
"""

import errno
import os
import sys
from collections.abc import Iterator

from dropscribe.agent import places
from dropscribe.config import Settings, recipes
from dropscribe.doctor.values import Check, fault, ok, skipped
from dropscribe.files import durable, regular
from dropscribe.files.naming import hidden_name

NAMES = ("inbox", "outbox", "archive", "failed", "state")
TRIAL = b"dropscribe doctor was here\n"


def all_of(settings: Settings, daemon_runs: bool) -> Iterator[Check]:
    """Test each folder of the settings; a missing one is a fault only while a daemon needs it."""
    places_of = {f"folder {name}": getattr(settings.folders, name) for name in NAMES}
    for recipe in recipes.named(settings).values():
        for name in NAMES[:-1]:
            path = getattr(recipe.settings.folders, name)
            if path not in places_of.values():
                places_of[f"folder {name} of {recipe.name}"] = path
    for name, path in {**places_of, "folder log": settings.log.folder}.items():
        yield tried(name, path) if os.path.lexists(path) else missing(name, path, daemon_runs)


def missing(name: str, path: str, daemon_runs: bool) -> Check:
    """Judge a folder that does not exist, which is normal before the first start."""
    if daemon_runs:
        return fault(name, f"{path} does not exist although the daemon is running", "restore it, or restart the daemon")
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.access(above, os.W_OK | os.X_OK):
        return fault(
            name, f"{path} does not exist and cannot be created in {above}", "choose another folder in config.yaml"
        )
    return skipped(name, f"{path} does not exist yet; the daemon creates it when it starts")


def tried(name: str, path: str, platform: str = sys.platform) -> Check:
    """Test the folder at *path* and return the first operation that fails."""
    step = "list"
    trial, renamed = (os.path.join(os.fsencode(path), hidden_name()) for _ in range(2))  # the intake ignores them
    try:
        os.listdir(path)
        step = "write in"
        with regular.created(trial, None, 0o600) as handle:
            regular.write(handle, TRIAL)
        step = "read in"
        with regular.opened(trial) as handle:
            if os.read(handle, 2 * len(TRIAL)) != TRIAL:
                raise OSError(errno.EIO, "the data read differs from the data written")
        step = "rename in"
        durable.rename(trial, renamed)
        step = "remove from"
        os.unlink(renamed)
    except OSError as error:
        return refusal(name, path, step, error, platform)
    finally:
        for left in (trial, renamed):
            try:
                os.unlink(left)
            except OSError:  # it does not exist, or this is the fault being reported
                pass
    return ok(name, f"{path}: list, write, read, rename and remove work")


def refusal(name: str, path: str, step: str, error: OSError, platform: str) -> Check:
    """Return the check for a *step* that the system refused with *error*; *platform* as in `sys.platform`."""
    what = f"{path}: cannot {step} it ({error.strerror})"
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and step == "list":
        return fault(
            name, f"{path} is not a folder ({error.strerror})", "move that file elsewhere; the folder is created again"
        )
    if error.errno == errno.EPERM and platform == "darwin":
        return fault(name, f"{what}: macOS protects this location", places.REMEDY)
    if error.errno in (errno.EACCES, errno.EPERM):
        return fault(name, what, f"give yourself permission: chmod u+rwx '{path}'")
    if error.errno == errno.EROFS:
        return fault(name, what, "the disk is read-only; choose a folder on another one")
    if error.errno == errno.ENOSPC:
        return fault(name, what, "free some space; the queue resumes by itself")
    return fault(name, what, "choose another folder in config.yaml")
