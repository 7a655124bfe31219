"""The folders of the daemon at its start: made where they are missing, and told from those whose disk is away.

What lay on a volume of its own (a share, an external disk) and is missing or empty now, while nothing is mounted there,
is away: a system leaves an empty folder behind, and what is written into that is lost to sight.
"""

import os

from dropscribe.config import Settings
from dropscribe.core.job import IsAway
from dropscribe.files import durable
from dropscribe.journal.metadata import Facts
from dropscribe.log import LOG

NAMES = ("inbox", "outbox", "archive", "failed")


def prepare(settings: Settings, facts: Facts) -> dict[str, IsAway]:
    """Make what is missing and note what lies where; return, for each of `NAMES`, whether its disk is away."""
    for name in NAMES:
        folder = getattr(settings.folders, name)
        known = facts.get(f"folder {name}") == folder
        wanted = not os.path.isdir(folder) and (not known or name in ("archive", "failed"))
        if wanted and not away(settings, facts, name)():
            try:
                durable.make_folder(os.fsencode(folder))
            except OSError as error:
                LOG.error("%s %s cannot be made: %s", name, folder, error.strerror)
        if os.path.isdir(folder):
            _note(facts, name, folder)
    return {name: away(settings, facts, name) for name in NAMES}


def _note(facts: Facts, name: str, folder: str) -> None:
    """Remember a folder that is there, and the volume it lies on, if that is not the system's own."""
    if facts.get(f"folder {name}") != folder:
        facts.note(f"folder {name}", folder)
        facts.note(f"volume {name}", None)
    volume = _volume(folder)
    if volume != "/" and facts.get(f"volume {name}") != volume:
        facts.note(f"volume {name}", volume)


def _volume(folder: str) -> str:
    """Return the mount point above *folder*, or itself."""
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    return folder


def away(settings: Settings, facts: Facts, name: str) -> IsAway:
    """Return the question whether the disk of the folder called *name* is away; it looks there when it is asked."""
    folder: str = getattr(settings.folders, name)
    volume = facts.get(f"volume {name}") if facts.get(f"folder {name}") == folder else None

    def is_away() -> bool:
        if volume is None or os.path.ismount(volume):
            return False
        try:
            return not os.listdir(folder)
        except OSError:
            return True

    return is_away
