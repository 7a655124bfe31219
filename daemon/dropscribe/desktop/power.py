"""Keeps a Mac awake while pages are read, and only then: an assertion that ends with the daemon, even if it is killed.

`caffeinate -i` holds off idle sleep, not the closing of the lid; `-w PID` ties it to this process. Elsewhere it does
nothing. Not run on a Mac.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from dropscribe.log import LOG

COMMAND = ("caffeinate", "-i", "-w")
ENDING = 2.0  # seconds for it to end at the end of the daemon's life


def command() -> list[str] | None:
    """Return what to start, or None where there is no such thing."""
    found = shutil.which(COMMAND[0]) if sys.platform == "darwin" else None
    return [found, *COMMAND[1:]] if found else None


class Power:
    """The assertion of one daemon; `reading` may be called as often as one likes and never waits."""

    def __init__(self, program: Sequence[str] | None = None) -> None:
        self._command = list(program) if program is not None else command()
        self._holding: subprocess.Popen[bytes] | None = None
        self._exiting: list[subprocess.Popen[bytes]] = []

    def reading(self, on: bool) -> None:
        """Hold the assertion while *on*; let it go otherwise. Children that have ended are reaped here."""
        self._exiting = [process for process in self._exiting if process.poll() is None]
        if self._holding is not None:
            self._holding.poll()
        if on and self._holding is None:
            self._hold()
        elif not on and self._holding is not None:
            self._holding.terminate()
            self._exiting.append(self._holding)
            self._holding = None

    def _hold(self) -> None:
        """Start it once; one that ends early is not restarted before the next idle time, for sleep is no fault."""
        if self._command is None:
            return
        try:
            self._holding = subprocess.Popen(
                [*self._command, str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            LOG.warning("the machine may go to sleep while pages are read: %s (%s)", self._command[0], error.strerror)
            self._command = None

    def close(self) -> None:
        """Let go and reap; may be called twice."""
        self.reading(False)
        for process in self._exiting:
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._exiting = []
