"""What native decoders print: some of them tell about damage in no other way. Nothing is decoded or judged here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_HEARD = 65536  # bytes


class Messages:
    """What was printed so far."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def read(self) -> bytes:
        """Return what was printed since the last call, at most 64 KB."""
        try:
            return os.read(self._pipe, _MOST_HEARD)
        except BlockingIOError:
            return b""  # nothing was said


@contextmanager
def captured() -> Iterator[Messages]:
    """Lead what native code writes to stderr into the `Messages` that are given; the caller holds a lock."""
    try:
        usual = os.dup(2)
    except OSError:
        usual = os.open(os.devnull, os.O_WRONLY)  # there is no stderr: this takes its number, before the pipe does
    reader, writer = os.pipe()
    try:
        for end in (reader, writer):
            os.set_blocking(end, False)  # nobody waits: too many words are cut short
        os.dup2(writer, 2)
        yield Messages(reader)
    finally:
        os.dup2(usual, 2)
        for end in (reader, writer, usual):
            os.close(end)
