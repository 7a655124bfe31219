"""Files in the inbox that are stored in a cloud only: they cannot be read before their download."""

import os
from collections.abc import Callable, Iterator

from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.intake.scan import DATALESS

MOST = 20_000  # entries examined
Flags = Callable[[os.DirEntry[str]], int]


def flags(entry: os.DirEntry[str]) -> int:
    """Return the file flags of macOS; 0 elsewhere. `lstat` fetches nothing."""
    return int(getattr(entry.stat(follow_symlinks=False), "st_flags", 0))


def evicted(inbox: str, flags: Flags = flags) -> Iterator[Check]:
    """Count the files below *inbox* that are not on this machine."""
    if not os.path.isdir(inbox):
        yield skipped("cloud", f"{inbox} does not exist")
        return
    looked, names = 0, []
    for entry in _files(inbox):
        looked += 1
        if looked > MOST:
            break
        if flags(entry) & DATALESS:
            names.append(entry.name)
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield warning(
            "cloud", f"{len(names)} files in the inbox are in the cloud only: {', '.join(names[:3])}{more}",
            "they are read once they are downloaded; open the folder in Finder and choose Download Now",
        )  # fmt: skip
    else:
        yield ok("cloud", f"every file in the inbox is on this machine ({min(looked, MOST)} examined)")


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
        except OSError:
            continue  # permissions are another check
