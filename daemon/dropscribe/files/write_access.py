"""Who else can write to a folder: beside this user and the system's administrator."""

import grp
import os
import pwd
import stat
import sys

from dropscribe.files import rights


def others(folder: int | str) -> list[str]:
    """Return who else can write to *folder* (a descriptor or a path), each as a phrase; raise `OSError`.

    A group of which this user is the only member (Debian and Fedora make one for each user) is nobody else. On a share
    the server's rights are not to be seen, and on a Mac ACLs are not asked.
    """
    found, who = os.stat(folder), []
    if found.st_uid not in (os.geteuid(), 0):
        who.append(f"its owner, {_user(found.st_uid)}")
    if found.st_mode & stat.S_IWGRP:  # with an ACL it is the most that the ACL gives anybody
        if _has_acl(folder):
            who.append("those of its ACL")
        elif not _is_ours_alone(found.st_gid):
            who.append(f"the group {_group(found.st_gid)}")
    if found.st_mode & stat.S_IWOTH:
        who.append("every user of this machine")
    if rights.has_default_acl(folder):
        who.append("those of its default ACL")
    return who


def _has_acl(folder: int | str) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(folder, "system.posix_acl_access"))
    except OSError:
        return False


def _is_ours_alone(group: int) -> bool:
    """Say whether *group* has the name of this user, and no other member."""
    try:
        name, found = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
