"""The only place that calls the system's tools (launchctl, systemctl, ...): run one, return exit status and output.

The callers decide what a status means.
"""

import subprocess
from dataclasses import dataclass

NOT_THERE, TOO_SLOW = 127, 124  # as with a shell and timeout(1)


@dataclass(frozen=True)
class Answer:
    """How a tool ended, and what it printed on both of its outputs."""

    code: int
    text: str

    @property
    def line(self) -> str:
        """The first line that it printed, for an error message."""
        return next((line.strip() for line in self.text.splitlines() if line.strip()), "it printed nothing")


def call(*command: str, seconds: float = 30.0) -> Answer:
    """Run *command* and return its answer: 127 when it is not installed, 124 when it took more than *seconds*."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
            encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except (FileNotFoundError, PermissionError):
        return Answer(NOT_THERE, f"there is no {command[0]} on this machine")
    except subprocess.TimeoutExpired:
        return Answer(TOO_SLOW, f"{command[0]} did not answer within {seconds:.0f} s")
    return Answer(done.returncode, done.stdout)
