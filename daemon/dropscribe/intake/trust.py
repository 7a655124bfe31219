"""Whose files are taken from a folder that others can write.

A hard link needs no right to read: whoever may write to the inbox can give a private file a second name there, and find
its text in the outbox. So in such a folder a file must have one name only, and belong to the user of this program, to
the system's administrator, or to an owner whom `intake.trusted_owners` names.
"""

import grp
import os
import pwd
import stat
import sys
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

    def accepts(self, found: os.stat_result) -> bool:
        """Say whether the file *found* is taken from a folder that others can write to."""
        if self.owners is None:
            return True
        return found.st_nlink <= 1 and (found.st_uid in (os.geteuid(), 0) or found.st_uid in self.owners)


def user_id(name: str) -> int | None:
    """Return the number of the user called *name* (or numbered so); None when there is none."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return int(name) if name.isdecimal() else None


def others_write(folder: int) -> bool:
    """Say whether anybody but this user and the administrator can write to the open *folder*.

    A group of which the user is the only member (Debian's and Fedora's way of giving each user one) is nobody else. On
    a share the server's rights are not to be seen, and on a Mac ACLs are not asked.
    """
    found = os.fstat(folder)
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and (_has_acl(folder) or not _private(found.st_gid))


def _has_acl(folder: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(folder, "system.posix_acl_access"))
    except OSError:
        return False


def _private(group: int) -> bool:
    """Say whether *group* is the user's own: of his name, and without another member."""
    try:
        user, found = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == user and set(found.gr_mem) <= {user}
