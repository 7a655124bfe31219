"""The folders of the daemon at its start: made where they are missing, and told from those whose volume is not mounted.

What lay on a volume of its own (a share, an external disk) and is missing or empty now, while nothing is mounted there,
is not available: a system leaves an empty folder behind, and what is written into that is lost to sight.
"""

import os

from dropscribe.config import Settings
from dropscribe.core.job import Unmounted
from dropscribe.files import durable
from dropscribe.journal.metadata import Metadata
from dropscribe.log import LOG

NAMES = ("inbox", "outbox", "archive", "failed")


def prepare(settings: Settings, metadata: Metadata, recipe: str = "") -> dict[str, Unmounted]:
    """Make what is missing and note what lies where; return, for each of `NAMES`, whether its volume is not mounted.

    The folders are those of *settings*, which may be a *recipe*'s.
    """
    for name in NAMES:
        folder, key = getattr(settings.folders, name), _key(name, recipe)
        known = metadata.get(f"folder {key}") == folder
        wanted = not os.path.isdir(folder) and (not known or name in ("archive", "failed"))
        if wanted and not unmounted(settings, metadata, name, recipe)():
            try:
                durable.make_folder(os.fsencode(folder))
            except OSError as error:
                LOG.error("%s %s cannot be made: %s", name, folder, error.strerror)
        if os.path.isdir(folder):
            _note(metadata, key, folder)
    return {name: unmounted(settings, metadata, name, recipe) for name in NAMES}


def _key(name: str, recipe: str) -> str:
    return f"{name} of {recipe}" if recipe else name


def _note(metadata: Metadata, name: str, folder: str) -> None:
    """Remember a folder that is there, and the volume it lies on, if that is not the system's own."""
    if metadata.get(f"folder {name}") != folder:
        metadata.note(f"folder {name}", folder)
        metadata.note(f"volume {name}", None)
    volume = _volume(folder)
    if volume != "/" and metadata.get(f"volume {name}") != volume:
        metadata.note(f"volume {name}", volume)


def _volume(folder: str) -> str:
    """Return the mount point above *folder*, or itself; of a link, that of the folder that it points to."""
    folder = os.path.realpath(folder)
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    return folder


def unmounted(settings: Settings, metadata: Metadata, name: str, recipe: str = "") -> Unmounted:
    """Return the question whether the volume of the folder called *name* is not mounted; it looks when it is asked."""
    folder: str = getattr(settings.folders, name)
    key = _key(name, recipe)
    volume = metadata.get(f"volume {key}") if metadata.get(f"folder {key}") == folder else None

    def is_unmounted() -> bool:
        if volume is None or os.path.ismount(volume):
            return False
        try:
            return not os.listdir(folder)
        except OSError:
            return True

    return is_unmounted
