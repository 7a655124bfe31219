"""What starts the agent (launchd or systemd), seen the same way from outside; and what it says, in one line."""

import os
import sys
from typing import Protocol

from dropscribe.agent.patience import Patience
from dropscribe.agent.plan import Plan
from dropscribe.agent.report import Report


class Supervisor(Protocol):
    """A system that starts programs with the login."""

    name: str
    path: str  # the file that tells it to
    off: str  # where a user switches it on again

    def render(self, plan: Plan) -> bytes:
        """Return the content of the file."""

    def require(self) -> None:
        """Raise `DropscribeError` when there is no such system for this user; change nothing."""

    def start(self, plan: Plan, patience: Patience) -> list[str]:
        """Write the file and bring the agent up with it, in place of an older one; return notes for the user."""

    def remove(self, patience: Patience) -> bool:
        """End the agent and remove the file; return whether there was anything."""

    def report(self) -> Report:
        """Ask the system about the agent; quick, and changes nothing."""


def supervisor_for(system: str | None = None) -> Supervisor:
    """Return the keeper called *system* (`launchd` or `systemd`), or this machine's own."""
    if (system or ("launchd" if sys.platform == "darwin" else "systemd")) == "launchd":
        from dropscribe.agent.launchctl import Launchd

        return Launchd(os.getuid(), os.path.expanduser("~"))
    from dropscribe.agent.systemctl import Systemd

    return Systemd(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))


def inspect(supervisor: Supervisor | None = None) -> str | None:
    """Return one line on the agent (running, switched off, failing and why), or None when none is installed."""
    supervisor = supervisor or supervisor_for()
    if not os.path.exists(supervisor.path):
        return None
    return f"{supervisor.name}: {describe(supervisor.report(), supervisor)}"


def describe(report: Report, supervisor: Supervisor) -> str:
    """Return a report in words."""
    if report.pid is not None:
        again = f", started {report.runs} times, the last end was {report.last_end}" if _failing(report) else ""
        return f"running (pid {report.pid}){again}"
    if report.disabled:
        return f"installed, but switched off ({supervisor.off})"
    if not report.loaded:
        return "installed, but not loaded; it starts with the next login, or now with: dropscribe install"
    if report.last_end is not None:
        return f"installed, but not running; the last end was {report.last_end}"
    return "installed, but not running; start it with: dropscribe install"


def _failing(report: Report) -> bool:
    return report.last_end is not None and (report.runs or 0) > 1
