"""Where the files of a job lie: found by its number in the journal, not by a path from a request or through a link."""

import os
import stat

from dropscribe.config import Settings
from dropscribe.core.job import Job
from dropscribe.files import regular
from dropscribe.files.places import Place

TOLERANCE_NS = 2 * 10**9  # of times: FAT keeps every second one


class Missing(Exception):
    """A file is not there any more, or another has its name; the message is a sentence for the user."""


def original(settings: Settings, job: Job) -> Place:
    """Return where the original of *job* lies now; raise `Missing`."""
    folders = settings.folders
    roots = [os.fsencode(folder) for folder in (folders.archive, folders.failed, folders.inbox)]
    moved = [Place.of(job.destination, roots)] if job.destination else []
    for place in (*moved, Place(roots[-1], job.path)):
        if (found := place.found()) is not None and _is(found, job):
            return place
    raise Missing("The original is not there any more: it was deleted, moved or changed.")


def _is(found: os.stat_result, job: Job) -> bool:
    """Say whether a file is what was read: of its size and time; a move to another volume changes the rest."""
    size, mtime = job.signature.size, job.signature.mtime_ns
    return stat.S_ISREG(found.st_mode) and found.st_size == size and abs(found.st_mtime_ns - mtime) <= TOLERANCE_NS


def outputs(settings: Settings, job: Job) -> list[Place]:
    """Return where the outputs of *job* were published."""
    return [Place(os.fsencode(settings.folders.outbox), path) for path in job.outputs]


def opened(place: Place) -> int:
    """Return a descriptor of the regular file at *place*, which the caller closes; raise `Missing`."""
    try:
        with place.opened(any_owner=True) as entry, regular.opened(entry.name, entry.folder) as file:
            return os.dup(file)
    except OSError as error:
        raise Missing(f"The file cannot be opened: {error.strerror}.") from None
