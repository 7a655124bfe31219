"""Steps of a job that tests of the journal begin with, and a disk that is full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from dropscribe.core.job import Found, Job, Signature
from dropscribe.journal.journal import Journal

SIGNATURE = Signature(10, 20, 30, 40)


def found(path: bytes = b"a.png", signature: Signature = SIGNATURE) -> Found:
    return Found(path, signature, 5.0)


def claimed(journal: Journal, path: bytes = b"a.png", stem: bytes = b"a") -> Job:
    journal.add([found(path)])
    job = journal.live_at(path)
    assert job is not None
    return journal.claim(job, stem)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
