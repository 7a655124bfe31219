"""The rights of what we write into the user's folders: as any program's, but no wider than those of the picture.

Umask, setgid folders and default ACLs are the system's to apply, since every file is made where it is to lie. On top of
that a text is closed to the group or to others where its picture is, unless the user has said otherwise:

- the folder has a default ACL: it alone decides;
- the folder is setgid: its group may read what lies in it;
- the umask lets the group (others) write (002, 000): whoever chose it shares with them.
"""

import os
import re
import stat
import sys

_ANYBODY = 0o666


def umask() -> int:
    """Return the umask of this process; no other thread may be making files meanwhile where there is no /proc."""
    if sys.platform == "linux":
        try:
            with open("/proc/self/status", "rb") as file:
                if told := re.search(rb"^Umask:\s*([0-7]+)", file.read(), re.MULTILINE):
                    return int(told[1], 8)
        except OSError:
            pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def for_new(folder: int, picture: os.stat_result | None) -> int:
    """Return the mode to make a file with in *folder* (a descriptor) for this *picture*; None for one that is gone.

    What the picture allows its group says nothing of another group, which the new file may have. The umask is not yet
    in the mode: the system applies that.
    """
    if has_default_acl(folder):
        return _ANYBODY
    mask, around = umask(), os.fstat(folder)
    like, shared = picture.st_mode if picture is not None else 0, around.st_mode & stat.S_ISGID
    group = around.st_gid if shared or sys.platform == "darwin" else os.getegid()
    by_group = like & stat.S_IRGRP and (like & stat.S_IROTH or (picture is not None and picture.st_gid == group))
    mode = _ANYBODY
    if not (by_group or shared or not mask & stat.S_IWGRP):
        mode &= ~stat.S_IRWXG
    if not (like & stat.S_IROTH or not mask & stat.S_IWOTH):
        mode &= ~stat.S_IRWXO
    return mode


def has_default_acl(folder: int | str) -> bool:
    """Say whether the folder gives rights of its own to what is made in it (POSIX ACLs of Linux).

    On a Mac inherited entries are apart from the mode, and stay whatever that is.
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(folder, "system.posix_acl_default"))
    except OSError:
        return False
