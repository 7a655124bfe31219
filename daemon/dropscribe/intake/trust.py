"""Whose files are taken from a folder that others can write.

A hard link needs no right to read: whoever may write to the inbox can give a private file a second name there, and find
its text in the outbox. So in such a folder a file must have one name only, and belong to the user of this program, to
the system's administrator, to the owner of the inbox, or to an owner whom `intake.trusted_owners` names.
"""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass

ANY = "any"


@dataclass(frozen=True)
class Trust:
    """The owners (user ids) whose files are taken; None: everybody's, and files with several names."""

    owners: frozenset[int] | None = frozenset()

    @classmethod
    def of(cls, names: Iterable[str] | str) -> "Trust":
        """Return what `intake.trusted_owners` means on this machine; a name that it does not know adds nobody."""
        if names == ANY:
            return cls(None)
        return cls(frozenset(number for name in names if (number := user_id(name)) is not None))

    def accepts(self, found: os.stat_result, inbox_owner: int) -> bool:
        """Say whether the file *found* is taken from a folder that others can write to."""
        if self.owners is None:
            return True
        return found.st_nlink <= 1 and found.st_uid in {os.geteuid(), 0, inbox_owner, *self.owners}


def user_id(name: str) -> int | None:
    """Return the number of the user called *name* (or numbered so); None when there is none."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return int(name) if name.isdecimal() else None
