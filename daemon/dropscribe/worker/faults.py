"""Faults of this program, met at the edge of a document: a sentence for people, and for the log where it came from."""

import traceback
from types import FrameType

from dropscribe.core.errors import Reason, ReasonedError

LONGEST = 4000  # characters of what goes to the log; a decoder may be in the hands of whoever made its file


class ProgramFault(ReasonedError):
    """Something that nobody has foreseen went wrong with a document; *trace* is for the log."""

    def __init__(self, detail: str, trace: str) -> None:
        super().__init__(Reason.ENGINE_ERROR, detail)
        self.trace = trace[:LONGEST]


def met(what: str, error: Exception) -> ProgramFault:
    """Return the fault behind *error*; *what* says for people what could not be done."""
    return ProgramFault(f"{what}: a fault of this program ({type(error).__name__}).", trace(error))


def trace(error: Exception) -> str:
    """Return what an error says and where it came from, innermost last.

    Lines of source are left out: a locked decoder could not open them.
    """
    frames = traceback.walk_tb(error.__traceback__)
    places = [f"{_module(frame)}:{line} {frame.f_code.co_name}" for frame, line in frames]
    said = f"{type(error).__name__}: {error}"
    return f"{said[: LONGEST // 2]}; at {' > '.join(places)[-LONGEST // 2 :]}"


def _module(frame: FrameType) -> str:
    """Return the module of a frame; the one that was started with -m has its own name in its spec only."""
    return getattr(frame.f_globals.get("__spec__"), "name", None) or str(frame.f_globals.get("__name__"))
