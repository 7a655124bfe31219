"""Locks this process: all that the system offers, in the order in which one allows the next. Never undone.

What the system lacks is named, and does not keep the rest from being taken: limits hold everywhere.
"""

import os
import sys
from collections.abc import Callable, Iterator

from dropscribe.memory import macos as system
from dropscribe.sandbox import bounds, fonts, landlock, macos, seccomp
from dropscribe.sandbox.bounds import Bounds


def lock(limits: Bounds, document: int, *, walls: bool = True) -> tuple[str, ...]:
    """Leave this process what it has open, the *document* and the fonts to read, and memory within *limits*.

    Returns why each part of the sandbox that could not be taken is lacking; without *walls* only limits are set.
    Everything that is to be imported or opened must have been.
    """
    bounds.apply(limits)
    return tuple(_walls(document)) if walls else ()


def _walls(document: int) -> Iterator[str]:
    _silence()
    parts: list[Callable[[], None]] = []
    if sys.platform == "linux":
        parts = [
            bounds.drop_capabilities, lambda: landlock.restrict(fonts.folders(), [document]), seccomp.restrict,
        ]  # fmt: skip
    elif sys.platform == "darwin":
        parts = [lambda: macos.restrict(system.system(), fonts.folders(), [document])]
    else:
        yield f"no sandbox is known for {sys.platform}"
    for part in parts:
        try:
            part()
        except (OSError, AttributeError) as error:  # the kernel lacks it, or a container forbids it
            yield getattr(error, "strerror", None) or str(error)


def _silence() -> None:
    """Lead standard output and errors nowhere: the daemon's log is not a stranger's to write in."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
