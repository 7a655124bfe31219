"""What the agent's own context may read, as tested by the running daemon; a terminal often may read more.

On macOS a folder may be open to a terminal and refuse an agent with EPERM (TCC); EACCES means permissions, ENOENT a
missing folder. The three are distinguished here, because each has its own remedy.
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
    """One folder, tested from inside the daemon."""

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
            return f"macOS denies the agent access to {self.path} (EPERM: a protected location)"
        if self.number == errno.EACCES:
            return f"the agent's user has no permission for {self.path} (EACCES)"
        if self.number == errno.ENOENT:
            return f"{self.path} does not exist (ENOENT)"
        return f"the agent cannot read {self.path}: {self.answer}"

    def remedy(self, program: str) -> str:
        """Return the remedy; *program* is the binary that the agent runs."""
        if self.number == errno.EPERM and self.platform == "darwin":
            return (
                f"add {program} in System Settings > Privacy & Security > Full Disk Access (again after each upgrade "
                "of Python), or choose folders directly under your home, such as ~/Dropscribe"
            )
        if self.number == errno.EACCES:
            return f"give yourself permission: chmod u+rwx '{self.path}'"
        if self.number == errno.ENOENT:
            return "make it available again (is a disk unplugged?), or create it"
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
    """Return the daemon's test of each folder, or None when none answers."""
    try:
        answer = client.ask(settings.folders.state, FolderRequest(), FolderAnswer, timeout=30)
    except NotRunning:
        return None
    return [Folder(name, getattr(settings.folders, name, name), str(found)) for name, found in answer.folders.items()]


def program(pid: int) -> str:
    """Return the binary that process *pid* runs, which is what a permission of macOS names."""
    try:
        return psutil.Process(pid).exe() or places.program_of(sys.executable)
    except psutil.Error:
        return places.program_of(sys.executable)
