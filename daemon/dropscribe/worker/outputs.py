"""The files of one document's outputs: made in the staging folder by the worker, filled by the document's decoder.

The decoder has only their descriptors. Here they get their names, and nothing of what is written is looked at.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.formats import figures
from dropscribe.formats.registry import SUFFIXES
from dropscribe.worker.decoder import DocumentProcess
from dropscribe.worker.decoder_protocol import Collect, Render
from dropscribe.worker.page_cache import PageCache

NAME = "out"  # of every output, before its suffix


def write(
    process: DocumentProcess, request: Collect, kept: PageCache, staging: str, stem: bytes, formats: tuple[str, ...],
    *, with_figures: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """Write every format, and figures, into *staging*; return suffixes and remarks; raise `ReasonedError`."""
    with closing(_Descriptor(kept.opened())) as texts, tempfile.TemporaryFile(dir=staging) as scratch:
        remarks = process.collect(request, texts.number, scratch.fileno())
        cut = list(_figures(process, kept, staging)) if with_figures else []
        for name in formats:
            with _new(staging, SUFFIXES[name]) as output:
                process.render(Render(name, stem, tuple(cut)), output)
    return (*cut, *(SUFFIXES[name] for name in formats)), remarks


class _Descriptor:
    """A descriptor that is closed by its owner."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        """Close it."""
        os.close(self.number)


def _figures(process: DocumentProcess, kept: PageCache, staging: str) -> Iterator[str]:
    """Write the figures that the texts speak of, and no others; yield the suffixes of their files."""
    for place in figures.places(kept):
        found = process.next_figure()
        if found is None:
            return
        if found[:2] != place:
            raise ReasonedError(Reason.DAMAGED, f"The decoder gave figure {found[:2]} for {place}: it is made to harm.")
        suffix = figures.suffix(*place)
        with _new(staging, suffix) as output, open(output, "wb", closefd=False) as file:
            file.write(found[2])
        yield suffix


@contextmanager
def _new(staging: str, suffix: str) -> Iterator[int]:
    """Make an output's file and yield its descriptor."""
    path = os.path.join(staging, NAME + suffix)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
