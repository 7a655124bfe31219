"""What an agent is to run, worked out from the settings and this very environment; and whether that may be relied on.

Nothing is written here. The Python is the environment's own and is never resolved: a resolved link loses the
environment (`sys.prefix`) and names a versioned folder that the next upgrade removes.
"""

import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dropscribe import config
from dropscribe.agent import places
from dropscribe.config import Settings
from dropscribe.core.errors import Fault

AFTER_GRACE = 40  # seconds beyond model.shutdown_grace: SIGTERM and SIGKILL of the worker, then putting away
# What decides where settings, state and models are looked for; an agent sees no shell profile. No tokens, no proxies:
# the file is readable by others, and these may hold passwords.
CARRIED = (
    "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
    "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE",
)  # fmt: skip
SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
PASSING = ("/uv/archive-v", "/uv/builds-v", "/pipx/.cache/")  # environments that a tool may clear at any time


@dataclass(frozen=True)
class Plan:
    """All that a property list or a unit needs to know."""

    python: str
    config: str | None  # absolute; None: the platform's own place, where nothing lies yet
    state: str
    logs: str
    stop_seconds: int  # from SIGTERM to SIGKILL
    environment: Mapping[str, str]

    @property
    def arguments(self) -> list[str]:
        """The command line behind the Python."""
        return ["-m", "dropscribe", "run", "--agent", *(["--config", self.config] if self.config else [])]


def make(settings: Settings, given: str | None, environment: Mapping[str, str], python: str = sys.executable) -> Plan:
    """Return the plan for these settings; *given* is the path after `--config`, relative or None.

    Without it, a file in the platform's own place is named outright, so that the agent cannot look elsewhere.
    """
    path = os.path.abspath(given) if given else config.default_path()
    return Plan(
        os.path.abspath(python),
        path if given or os.path.exists(path) else None,
        settings.folders.state,
        settings.log.folder,
        math.ceil(settings.model.shutdown_grace) + AFTER_GRACE,
        {
            "PATH": f"{os.path.dirname(os.path.abspath(python))}:{SYSTEM_PATH}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            **{name: environment[name] for name in CARRIED if environment.get(name)},
        },
    )


def faults(plan: Plan, home: str, platform: str) -> Iterator[Fault]:
    """Yield why an agent with this plan could not start, or not for long; *platform* as in `sys.platform`."""
    if any(mark in plan.python for mark in PASSING):
        yield Fault(
            "install", f"{plan.python} is in an environment that is thrown away",
            "install Dropscribe for good (uv tool install, pipx install, or a virtual environment), then install again",
        )  # fmt: skip
    if platform != "darwin":
        return
    needed = {"the Python environment": plan.python, "folders.state": plan.state, "log.folder": plan.logs}
    if plan.config:
        needed["the settings file"] = plan.config
    for what, path in needed.items():
        if place := places.closed_to_agents(path, home):
            yield Fault(
                "install", f"{what} {path} is in {place}, where macOS lets no agent read before it is even started",
                "move it to a folder of your own directly under your home, such as ~/Dropscribe",
            )  # fmt: skip


def warnings(settings: Settings, home: str, platform: str) -> Iterator[Fault]:
    """Yield the folders that macOS may refuse to an agent; a grant can open them, so this alone stops nothing."""
    if platform != "darwin":
        return
    for name in ("inbox", "outbox", "archive", "failed"):
        path = getattr(settings.folders, name)
        if place := places.closed_to_agents(path, home):
            yield Fault(f"folders.{name}", f"{path} is in {place}, which macOS closes to agents", places.REMEDY)
