"""Folders that others can write to: who, and what that means for what lies there. It only looks."""

import os
import stat
from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.doctor.values import Check, fault, ok, warning
from dropscribe.files import write_access

MEANING = {
    "inbox": "they can replace and remove files that wait, and whatever they put there is read",
    "outbox": "they can read, replace and remove texts, and choose what stands under their names later",
    "archive": "they can replace and remove originals that have been read",
    "failed": "they can replace and remove originals, and have others put back into the inbox by retry",
}
PRIVATE = ("state", "log")  # what decides over files, or tells of them, is nobody else's business


def all_of(settings: Settings) -> Iterator[Check]:
    """Judge every folder of the settings that is there."""
    folders = {name: getattr(settings.folders, name) for name in (*MEANING, "state")} | {"log": settings.log.folder}
    for name, path in folders.items():
        if os.path.isdir(path):
            yield judged(name, path)


def judged(name: str, path: str) -> Check:
    """Judge the folder *path*, which plays the part *name*."""
    who = writers(path)
    check = f"sharing {name}"
    if not who:
        return ok(check, f"{path}: only you can write there")
    told = f"{path} can be written by {' and '.join(who)}"
    if name in PRIVATE:
        return fault(check, f"{told}: what decides over your files lies there", f"run: chmod -R go-w '{path}'")
    return warning(
        check,
        f"{told}: {MEANING[name]}. Links, pipes and folders of theirs are never followed",
        f"if they are not meant to, run: chmod -R go-w '{path}'",
    )


def writers(path: str) -> list[str]:
    """Return who else can write in the folder at *path*, or put another in its place."""
    return write_access.others(path) + _through_the_levels_above(os.path.realpath(path))


def _through_the_levels_above(path: str) -> list[str]:
    """Return who can put another folder in the place of *path*: the right to write above it, without a sticky bit."""
    while (path := os.path.dirname(path)) != "/":
        if not os.stat(path).st_mode & stat.S_ISVTX and (others := write_access.others(path)):
            return [f"{other} (through {path})" for other in others]
    return []
