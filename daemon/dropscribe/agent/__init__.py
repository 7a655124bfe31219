"""Starting with the login: a launchd agent on macOS, a systemd user unit elsewhere; install, remove, look.

It writes one file and talks to the system's own tools. It never touches what the daemon owns: folders, journal, models.
"""

from dropscribe.agent.keeper import Keeper, describe, inspect, keeper_for
from dropscribe.agent.report import Report

__all__ = ["Keeper", "Report", "describe", "inspect", "keeper_for"]
