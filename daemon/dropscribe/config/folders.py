"""Folder layouts that are refused: they would feed results back in, mix files, or cover the program's own code.

Two spellings of one folder (case, links, a bind mount) are one: what is there is compared by device and inode.
"""

import os
import sys
from collections.abc import Iterator

from msgspec import structs

from dropscribe.config.schema import Settings
from dropscribe.config.spelling import same_folder_key
from dropscribe.core.errors import Fault


def layout_faults(settings: Settings, name: str) -> list[Fault]:
    """Return every fault of the layout; *name* says in messages where the settings came from."""
    where = {key: os.path.realpath(path) for key, path in structs.asdict(settings.folders).items()}
    return [*_overlaps(where, name), *_log_in_inbox(settings, where["inbox"], name), *_covering(where, name)]


def _overlaps(where: dict[str, str], name: str) -> Iterator[Fault]:
    for key, path in where.items():
        for other, outer in where.items():
            if key == other or not _within(path, outer):
                continue
            same = _within(outer, path)
            if same and key > other:
                continue
            why = "results would be read as new pictures" if "inbox" in (other, key) else "their files would mix"
            how = "the same as" if same else "inside"
            what = f"{path} is {how} folders.{other} {outer}; {why}"
            yield Fault(f"{name}: folders.{key}", what, f"choose a folder outside folders.{other}")


def _log_in_inbox(settings: Settings, inbox: str, name: str) -> Iterator[Fault]:
    log = os.path.realpath(settings.log.folder)
    if _within(log, inbox):
        what = f"{log} is inside folders.inbox {inbox}; the log would be read as new work"
        yield Fault(f"{name}: log.folder", what, "choose a folder outside folders.inbox")


def _covering(where: dict[str, str], name: str) -> Iterator[Fault]:
    own = [os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir)), os.path.realpath(sys.prefix)]
    for key, path in where.items():
        if covered := next((place for place in own if _within(place, path)), None):
            what = f"{path} holds Dropscribe's own program {covered}"
            yield Fault(f"{name}: folders.{key}", what, "choose a folder of its own")


def _within(path: str, outer: str) -> bool:
    """Say whether *path* is *outer* or lies in it, by name or, as far as both are there, by what they are."""
    key, outer_key = same_folder_key(path), same_folder_key(outer)
    if key == outer_key or key.startswith(outer_key.rstrip(os.sep) + os.sep):
        return True
    wanted = _identity(outer)
    return wanted is not None and any(_identity(folder) == wanted for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    """Yield *path* and every folder that it lies in."""
    while True:
        yield path
        if path == os.path.dirname(path):
            return
        path = os.path.dirname(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None  # it is not there yet, or may not be looked at
    return found.st_dev, found.st_ino
