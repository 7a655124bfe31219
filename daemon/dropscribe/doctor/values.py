"""One line of the checklist."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # it works, or may, but needs attention
    FAULT = "fault"  # something does not work
    SKIPPED = "skipped"  # not checked, and why


@dataclass(frozen=True)
class Check:
    """What was checked, what was found, and what to do about it (empty if nothing)."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Check:
    """Return a check that passed."""
    return Check(name, State.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Check:
    """Return a check that found something to look into."""
    return Check(name, State.WARNING, detail, remedy)


def fault(name: str, detail: str, remedy: str) -> Check:
    """Return a check that found something broken."""
    return Check(name, State.FAULT, detail, remedy)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not possible."""
    return Check(name, State.SKIPPED, why)
