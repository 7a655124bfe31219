"""How long the install flow waits for the system, and the loop that does."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """Seconds; the defaults fit a real launchd, tests bring shorter ones."""

    gone: float = 15.0  # beyond the agent's own time to stop: bootout returns before the process exits
    bootstrap: float = 15.0  # launchd refuses (5, 37) for a while after a bootout
    answer: float = 60.0  # longer than ThrottleInterval, which may delay the first start
    step: float = 0.25


def until(condition: Callable[[], bool], seconds: float, step: float) -> bool:
    """Ask *condition* every *step* seconds until it holds or *seconds* have passed; return whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(step)
    return True
