"""What lies in one folder of an inbox, on its descriptor: what was looked at, and not what its name means by now.

The inbox itself is the user's word, and links on the way to it are followed; below it no link is (see `files/places`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dropscribe.files import places, regular, write_access


@dataclass(frozen=True)
class Folder:
    """An open folder: *below* the inbox at *root*."""

    root: bytes
    below: bytes
    descriptor: int

    def look(self, name: bytes) -> os.stat_result:
        """Return what lies under *name*, a link itself and not what it points to; raise `OSError`."""
        return os.lstat(name, dir_fd=self.descriptor)

    @property
    def inbox_owner(self) -> int:
        """The user id of whom the inbox belongs to."""
        return os.stat(self.root).st_uid

    @property
    def shared(self) -> bool:
        """Say whether it, or a folder that it lies in up to the inbox, can be written by others."""
        parts = self.below.split(b"/") if self.below else []
        for count in range(len(parts) + 1):
            with places.opened(self.root, b"/".join(parts[:count]), any_owner=True) as level:
                if write_access.others(level):
                    return True
        return False


@contextmanager
def folder(root: bytes, below: bytes) -> Iterator[Folder]:
    """Give the folder *below* the inbox at *root*, open; raise `OSError`, also for a link in the place of a folder."""
    with places.opened(root, below, any_owner=True) as descriptor:
        yield Folder(root, below, descriptor)


def file(root: bytes, path: bytes) -> int:
    """Return a descriptor of the regular file at *path* below *root*; raise `OSError` for anything else."""
    below, name = os.path.split(path)
    with places.opened(root, below, any_owner=True) as descriptor:
        return _kept(name, descriptor)


def named_file(path: bytes) -> int:
    """Return a descriptor of the regular file that somebody has named, links followed; raise `OSError` otherwise."""
    return _kept(os.path.realpath(path), None)


def _kept(name: bytes, folder: int | None) -> int:
    with regular.opened(name, folder) as handle:
        return os.dup(handle)
