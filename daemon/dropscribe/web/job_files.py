"""Where the files of a job lie: found by its number in the journal, not by a path from a request or through a link."""

import os
import stat
from dataclasses import dataclass

from dropscribe.config import Settings
from dropscribe.core.job import Job
from dropscribe.files import regular
from dropscribe.files.places import Place

TOLERANCE_NS = 2 * 10**9  # of times: FAT keeps every second one


@dataclass(frozen=True)
class Known(Job):
    """A job with the outbox that its outputs lie in (empty: the base's), and the name of its recipe."""

    outbox: bytes = b""
    recipe_name: str | None = None


class Missing(Exception):
    """A file is not there any more, or another has its name; the message is a sentence for the user."""


def inbox(settings: Settings, job: Job) -> bytes:
    """Return the inbox that *job* came from."""
    return job.inbox or os.fsencode(settings.folders.inbox)


def original(settings: Settings, job: Job) -> Place:
    """Return where the original of *job* lies now; raise `Missing`."""
    roots = [os.fsencode(settings.folders.archive), os.fsencode(settings.folders.failed), inbox(settings, job)]
    moved = [Place.of(job.destination, roots)] if job.destination else []
    for place in (*moved, Place(roots[-1], job.path)):
        if (found := place.found()) is not None and _is(found, job):
            return place
    raise Missing("The original is not there any more: it was deleted, moved or changed.")


def _is(found: os.stat_result, job: Job) -> bool:
    """Say whether a file is what was read: of its size and time; a move to another volume changes the rest."""
    size, mtime = job.signature.size, job.signature.mtime_ns
    return stat.S_ISREG(found.st_mode) and found.st_size == size and abs(found.st_mtime_ns - mtime) <= TOLERANCE_NS


def outputs(settings: Settings, job: Known) -> list[Place]:
    """Return where the outputs of *job* were published."""
    outbox = job.outbox or os.fsencode(settings.folders.outbox)
    return [Place(outbox, path) for path in job.outputs]


def opened(place: Place) -> int:
    """Return a descriptor of the regular file at *place*, which the caller closes; raise `Missing`."""
    try:
        with place.opened(any_owner=True) as entry, regular.opened(entry.name, entry.folder) as file:
            return os.dup(file)
    except OSError as error:
        raise Missing(f"The file cannot be opened: {error.strerror}.") from None
