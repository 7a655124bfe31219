"""Where files of a job lie: found by its number in the journal, never by a path from a request."""

import os
import stat

from dropscribe.config import Settings
from dropscribe.core.job import Job

TOLERANCE_NS = 2 * 10**9  # of times: FAT keeps every second one


class Missing(Exception):
    """A file is not there any more, or another has its name; the message is a sentence for the user."""


def original(settings: Settings, job: Job) -> bytes:
    """Return where the original of *job* lies now; raise `Missing`."""
    inbox = os.path.join(os.fsencode(settings.folders.inbox), job.path)
    for path in filter(None, (job.destination, inbox)):
        try:
            found = os.lstat(path)
        except OSError:
            continue
        size, mtime = job.signature.size, job.signature.mtime_ns
        if stat.S_ISREG(found.st_mode) and found.st_size == size and abs(found.st_mtime_ns - mtime) <= TOLERANCE_NS:
            return path
    raise Missing("The original is not there any more: it was deleted, moved or changed.")


def outputs(settings: Settings, job: Job) -> list[bytes]:
    """Return where the outputs of *job* were published."""
    return [os.path.join(os.fsencode(settings.folders.outbox), path) for path in job.outputs]


def opened(path: bytes) -> int:
    """Return a descriptor of the regular file at *path*, which must not be a link; raise `Missing`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Missing(f"The file cannot be opened: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Missing("This is no regular file.")
    return descriptor
