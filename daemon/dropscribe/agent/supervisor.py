"""The interface to what starts the agent (launchd or systemd), and its state in one line."""

import os
import sys
from typing import Protocol

from dropscribe.agent.plan import Plan
from dropscribe.agent.report import Report
from dropscribe.agent.timeouts import Timeouts
from dropscribe.config import home


class Supervisor(Protocol):
    """A system that starts programs at login."""

    name: str
    path: str  # its file for the agent
    off: str  # how a user enables it again

    def render(self, plan: Plan) -> bytes:
        """Return the content of the file."""

    def require(self) -> None:
        """Raise `DropscribeError` when there is no such system for this user; change nothing."""

    def start(self, plan: Plan, timeouts: Timeouts) -> list[str]:
        """Write the file and start the agent with it, replacing an older one; return notes for the user."""

    def remove(self, timeouts: Timeouts) -> bool:
        """Stop the agent and remove the file; return whether there was anything."""

    def report(self) -> Report:
        """Query the system; quick, and changes nothing."""


def supervisor_for(system: str | None = None) -> Supervisor:
    """Return the supervisor called *system* (`launchd` or `systemd`), or this machine's own."""
    if (system or ("launchd" if sys.platform == "darwin" else "systemd")) == "launchd":
        from dropscribe.agent.launchctl import Launchd

        return Launchd(os.getuid(), home())
    from dropscribe.agent.systemctl import Systemd

    return Systemd(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home(), ".config"))


def inspect(supervisor: Supervisor | None = None) -> str | None:
    """Return one line on the agent (running, disabled, failing and why), or None when none is installed."""
    supervisor = supervisor or supervisor_for()
    if not os.path.exists(supervisor.path):
        return None
    return f"{supervisor.name}: {describe(supervisor.report(), supervisor)}"


def describe(report: Report, supervisor: Supervisor) -> str:
    """Return a report as text."""
    if report.pid is not None:
        again = f", started {report.runs} times, last exit: {report.last_end}" if _failing(report) else ""
        return f"running (pid {report.pid}){again}"
    if report.disabled:
        return f"installed, but disabled ({supervisor.off})"
    if not report.loaded:
        return "installed, but not loaded; it starts at the next login, or now with: dropscribe install"
    if report.last_end is not None:
        return f"installed, but not running; last exit: {report.last_end}"
    return "installed, but not running; start it with: dropscribe install"


def _failing(report: Report) -> bool:
    return report.last_end is not None and (report.runs or 0) > 1
