"""Folder layouts that are refused: they would feed results back in, mix files, or cover the program's own code.

Two spellings of one folder (case, links, a bind mount) are one: what is there is compared by device and inode.
"""

import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from msgspec import structs

from dropscribe.config.schema import Settings
from dropscribe.config.spelling import same_folder_key
from dropscribe.core.errors import Fault


@dataclass(frozen=True)
class _Place:
    """A folder of the settings: the key that names it, and what tells whether it lies in another."""

    key: str
    path: str  # links followed
    role: str  # inbox, outbox, ...
    spelled: str
    around: frozenset[tuple[int, int]]  # device and inode of itself and of every folder above, as far as they are there
    own: tuple[int, int] | None

    @classmethod
    def at(cls, key: str, path: str) -> "_Place":
        path = os.path.realpath(path)
        around = (found for folder in _upwards(path) if (found := _identity(folder)) is not None)
        return cls(key, path, key.rpartition(".")[2], same_folder_key(path), frozenset(around), _identity(path))

    def is_within(self, outer: "_Place") -> bool:
        """Say whether this is *outer* or lies in it, by name or, as far as both are there, by what they are."""
        named = self.spelled == outer.spelled or self.spelled.startswith(outer.spelled.rstrip(os.sep) + os.sep)
        return named or (outer.own is not None and outer.own in self.around)


def layout_faults(settings: Settings, name: str, *, without: Collection[str] = ()) -> list[Fault]:
    """Return every fault of the layout; *name* says in messages where the settings came from.

    Folders whose keys are in *without* are not looked at: where they are is not known.
    """
    places = [_Place.at(key, path) for key, path in _folders(settings) if key not in without]
    inboxes = [place for place in places if place.role == "inbox" and "log.folder" not in without]
    return [*_overlaps(places, name), *_log_in_inbox(settings, inboxes, name), *_covering(places, name)]


def _folders(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield every folder that the settings name, under its key; what a recipe leaves out is the base's."""
    for key, path in structs.asdict(settings.folders).items():
        yield f"folders.{key}", path
    for name, recipe in settings.recipes.items():
        for key in ("inbox", "outbox", "archive", "failed"):
            if (path := getattr(recipe, key)) not in (None, "beside"):
                yield f"recipes.{name}.{key}", path


def _overlaps(places: list[_Place], name: str) -> Iterator[Fault]:
    for index, place in enumerate(places):
        for other_index, outer in enumerate(places):
            if index == other_index or not place.is_within(outer):
                continue
            same = outer.is_within(place)
            if same and (index < other_index or (place.role == outer.role != "inbox")):
                continue  # told once; and outputs of several recipes may lie in one folder
            roles = (place.role, outer.role)
            why = "results would be read as new pictures" if "inbox" in roles else "their files would mix"
            why = "a file would belong to both" if roles == ("inbox", "inbox") else why
            how = "the same as" if same else "inside"
            what = f"{place.path} is {how} {outer.key} {outer.path}; {why}"
            yield Fault(f"{name}: {place.key}", what, f"choose a folder outside {outer.key}")


def _log_in_inbox(settings: Settings, inboxes: list[_Place], name: str) -> Iterator[Fault]:
    log = _Place.at("log.folder", settings.log.folder)
    for inbox in inboxes:
        if log.is_within(inbox):
            what = f"{log.path} is inside {inbox.key} {inbox.path}; the log would be read as new work"
            yield Fault(f"{name}: log.folder", what, f"choose a folder outside {inbox.key}")


def _covering(places: list[_Place], name: str) -> Iterator[Fault]:
    package = os.path.join(os.path.dirname(__file__), os.pardir)
    own = [_Place.at("program", package), _Place.at("program", sys.prefix)]
    for place in places:
        if covered := next((each for each in own if each.is_within(place)), None):
            what = f"{place.path} holds Dropscribe's own program {covered.path}"
            yield Fault(f"{name}: {place.key}", what, "choose a folder of its own")


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
