"""What the agent's own context may read, as the running daemon tells it; a terminal often may more.

On macOS the same folder answers a terminal and refuses an agent with EPERM (TCC); EACCES is a matter of rights, ENOENT
of names. The three are told apart here, because each has another remedy.
"""

import errno
import re
import sys
from dataclasses import dataclass

import psutil

from dropscribe.agent import places
from dropscribe.config import Settings
from dropscribe.control import client
from dropscribe.control.client import NotRunning
from dropscribe.core.protocol import FolderAnswer, FolderRequest, StatusAnswer, StatusRequest
from dropscribe.core.status import DaemonStatus


@dataclass(frozen=True)
class Folder:
    """One folder, tried from inside the daemon."""

    name: str  # inbox | outbox | ...
    path: str
    answer: str  # "ok", or the system's words with the error number in brackets
    platform: str = sys.platform

    @property
    def number(self) -> int | None:
        """The error number, or None."""
        found = re.search(r"\((\d+)\)$", self.answer)
        return int(found[1]) if found else None

    @property
    def fault(self) -> str | None:
        """What is wrong, in words; None when nothing is."""
        if self.answer == "ok":
            return None
        if self.number == errno.EPERM and self.platform == "darwin":
            return f"macOS does not let the agent into {self.path} (EPERM: a protected place)"
        if self.number == errno.EACCES:
            return f"the agent's user has no right to {self.path} (EACCES)"
        if self.number == errno.ENOENT:
            return f"{self.path} is not there (ENOENT)"
        return f"the agent cannot read {self.path}: {self.answer}"

    def remedy(self, program: str) -> str:
        """Return what to do about it; *program* is the binary that the agent runs."""
        if self.number == errno.EPERM and self.platform == "darwin":
            return (
                f"add {program} in System Settings > Privacy & Security > Full Disk Access (again after each upgrade "
                "of Python), or choose folders directly under your home, such as ~/Dropscribe"
            )
        if self.number == errno.EACCES:
            return f"give yourself the right to it: chmod u+rwx '{self.path}'"
        if self.number == errno.ENOENT:
            return "bring it back (is a disk unplugged?), or make it anew"
        return "look at: dropscribe logs"


def daemon(settings: Settings) -> DaemonStatus | None:
    """Return the `daemon` part of a running daemon's status, or None when none answers."""
    try:
        status = client.ask(settings.folders.state, StatusRequest(), StatusAnswer, timeout=5).status
    except NotRunning:
        return None
    return status.daemon if status is not None else None


def is_agent(settings: Settings) -> bool:
    """Say whether a daemon answers that was started as an agent."""
    found = daemon(settings)
    return found is not None and bool(found.agent)


def probe(settings: Settings) -> list[Folder] | None:
    """Return each folder as the running daemon finds it, or None when none answers."""
    try:
        answer = client.ask(settings.folders.state, FolderRequest(), FolderAnswer, timeout=30)
    except NotRunning:
        return None
    return [Folder(name, getattr(settings.folders, name, name), str(found)) for name, found in answer.folders.items()]


def program(pid: int) -> str:
    """Return the binary that process *pid* really runs: what a grant of macOS has to name."""
    try:
        return psutil.Process(pid).exe() or places.program_of(sys.executable)
    except psutil.Error:
        return places.program_of(sys.executable)
