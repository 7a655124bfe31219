"""What launchd or systemd says about the agent, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What the system says about the agent."""

    loaded: bool  # the system knows it now
    disabled: bool = False  # the user or somebody has switched it off
    pid: int | None = None
    last_end: str | None = None  # how its last process ended, in words; None: well, never, or not told
    runs: int | None = None  # how often it was started
