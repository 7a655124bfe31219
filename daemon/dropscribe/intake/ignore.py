"""Which names are ignored, whatever their content."""

import fnmatch
import os
from collections.abc import Sequence

# What programs that download put beside or in the place of a file until it is whole.
DOWNLOADS = (
    b".crdownload",
    b".part",
    b".partial",
    b".download",
    b".opdownload",
    b".filepart",
    b".aria2",
    b".!qb",
    b".!ut",
)
PARTIAL = (*DOWNLOADS, b".tmp", b".temp", b".icloud", b".swp")
CLUTTER = {b"thumbs.db", b"desktop.ini", b"ehthumbs.db", b"icon\r"}
# Folders that a NAS, a server or a system keeps for itself: thumbnails, trash, what a repair of the disk has found.
# Synology (@eaDir, @SynoEAStream, @SynoResource, #recycle, #snapshot), QNAP (@Recycle, .@__thumb), Windows, macOS and
# netatalk, Linux (lost+found; .Trash-1000 is hidden anyway).
NOT_THE_USERS = {
    b"@eadir", b"@synoeastream", b"@synoresource", b"@tmp", b"@sharebin", b"#recycle", b"#snapshot", b"@recycle",
    b"@recently-snapshot", b"$recycle.bin", b"recycler", b"recycled", b"system volume information",
    b"network trash folder", b"temporary items", b"thevolumesettingsfolder", b"lost+found",
}  # fmt: skip
CLOSED_FOLDERS = (b".download", b".app", b".bundle", b".photoslibrary", b".icloud", b".part", b".crdownload")


def wanted_folder(name: bytes) -> bool:
    """Say whether a folder called *name* is looked into: not hidden, not a system's own, no bundle in disguise."""
    lower = name.lower()
    return not name.startswith(b".") and lower not in NOT_THE_USERS and not lower.endswith(CLOSED_FOLDERS)


def awaited(path: bytes) -> bytes | None:
    """Return the path of the file that waits as long as the download at *path* lies beside it; None for any other."""
    lower = path.lower()
    return next((path[: -len(ending)] for ending in DOWNLOADS if lower.endswith(ending)), None)


def ignored(path: bytes, patterns: Sequence[str]) -> bool:
    """Say whether the file at *path* (below the inbox) is hidden, partial, clutter or matches one of *patterns*."""
    *folders, name = path.split(b"/")
    lower = name.lower()
    if name.startswith((b".", b"~$")) or lower.endswith(PARTIAL) or b".sb-" in lower or lower in CLUTTER:
        return True
    if not all(wanted_folder(folder) for folder in folders):
        return True
    texts = os.fsdecode(name), os.fsdecode(path)
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns for text in texts)
