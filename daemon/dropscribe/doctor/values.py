"""One line of the checklist."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # it works, or may, but something is not as it should be
    FAULT = "fault"  # something does not work
    SKIPPED = "skipped"  # not looked at, and why


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it (empty where nothing is to do)."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Check:
    """Return a check that went well."""
    return Check(name, State.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Check:
    """Return a check that found something worth a look."""
    return Check(name, State.WARNING, detail, remedy)


def fault(name: str, detail: str, remedy: str) -> Check:
    """Return a check that found something broken."""
    return Check(name, State.FAULT, detail, remedy)


def skipped(name: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, State.SKIPPED, why)
