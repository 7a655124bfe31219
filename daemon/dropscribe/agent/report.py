"""The state of the agent as launchd or systemd reports it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """The state of the agent."""

    loaded: bool  # the system knows it
    disabled: bool = False  # by the user or an administrator
    pid: int | None = None
    last_end: str | None = None  # how its last process ended; None: normally, never, or unknown
    runs: int | None = None  # how often it was started
