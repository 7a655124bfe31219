"""The folders of the daemon at its start: made where they are missing, and told from those that are away.

A folder that was there before and is not now lies on a disk that is away. So does one that was a mount point and is an
empty folder now: a system leaves that behind when a share is unmounted, and what is written there is lost to sight.
"""

import os

from dropscribe import durable
from dropscribe.config import Settings
from dropscribe.job import IsAway
from dropscribe.journal.facts import Facts
from dropscribe.log import LOG

NAMES = ("inbox", "outbox", "archive", "failed")


def prepare(settings: Settings, facts: Facts) -> dict[str, IsAway]:
    """Make what is missing; return, for each name in `NAMES`, the question whether that folder's disk is away."""
    questions: dict[str, IsAway] = {}
    for name in NAMES:
        folder = getattr(settings.folders, name)
        known = facts.get(f"folder {name}") == folder
        if not os.path.isdir(folder) and (not known or name in ("archive", "failed")):
            try:
                durable.make_folder(os.fsencode(folder))
            except OSError as error:
                LOG.error("%s %s cannot be made: %s", name, folder, error.strerror)
        elif os.path.ismount(folder) and facts.get(f"volume {name}") != folder:
            facts.note(f"volume {name}", folder)
        if not known and os.path.isdir(folder):
            facts.note(f"folder {name}", folder)
        questions[name] = _away(folder, was_mount=facts.get(f"volume {name}") == folder)
    return questions


def _away(folder: str, *, was_mount: bool) -> IsAway:
    """Return the question whether *folder* is a mount point without its volume; it looks at the disk when asked."""

    def away() -> bool:
        return was_mount and not os.path.ismount(folder) and os.path.isdir(folder) and not os.listdir(folder)

    return away
