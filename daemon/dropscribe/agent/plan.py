"""What an agent runs, derived from the settings and this environment; and why it could not start.

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
from dropscribe.files import rights

AFTER_GRACE = (
    40  # seconds beyond model.shutdown_grace: SIGTERM and SIGKILL of the worker, then the last files are moved
)
# What decides where settings, state and models are found; an agent sees no shell profile. No tokens, no proxies:
# the file is readable by others, and these may contain passwords.
CARRIED = (
    "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
    "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE",
)  # fmt: skip
SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
TEMPORARY = ("/uv/archive-v", "/uv/builds-v", "/pipx/.cache/")  # environments that a tool may clear at any time


@dataclass(frozen=True)
class Plan:
    """The content of a property list or a unit."""

    python: str
    config: str | None  # absolute; None: the platform's own location, where no file exists yet
    state: str
    logs: str
    stop_seconds: int  # from SIGTERM to SIGKILL
    umask: int  # of whoever installs it: what the agent writes has the rights that the user's own programs give
    environment: Mapping[str, str]

    @property
    def arguments(self) -> list[str]:
        """The arguments of the Python."""
        return ["-m", "dropscribe", "run", "--agent", *(["--config", self.config] if self.config else [])]


def make(settings: Settings, given: str | None, environment: Mapping[str, str], python: str = sys.executable) -> Plan:
    """Return the plan for these settings; *given* is the path after `--config`, relative or None.

    Without it, a file in the platform's own location is named explicitly, so that the agent uses the same one.
    """
    path = os.path.abspath(given) if given else config.default_path()
    return Plan(
        python=os.path.abspath(python),
        config=path if given or os.path.exists(path) else None,
        state=settings.folders.state,
        logs=settings.log.folder,
        stop_seconds=math.ceil(settings.model.shutdown_grace) + AFTER_GRACE,
        umask=rights.umask(),
        environment={
            "PATH": f"{os.path.dirname(os.path.abspath(python))}:{SYSTEM_PATH}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            **{name: environment[name] for name in CARRIED if environment.get(name)},
        },
    )


def faults(plan: Plan, home: str, platform: str) -> Iterator[Fault]:
    """Yield why an agent with this plan could not start, or not for long; *platform* as in `sys.platform`."""
    if any(mark in plan.python for mark in TEMPORARY):
        yield Fault(
            "install", f"{plan.python} is in a temporary environment",
            "install Dropscribe permanently (uv tool install, pipx install or a virtual environment) and repeat this",
        )  # fmt: skip
    if platform != "darwin":
        return
    needed = {"the Python environment": plan.python, "folders.state": plan.state, "log.folder": plan.logs}
    if plan.config:
        needed["the settings file"] = plan.config
    for what, path in needed.items():
        if place := places.closed_to_agents(path, home):
            yield Fault(
                "install", f"{what} {path} is in {place}, where macOS lets no agent read before it has started",
                "move it to a folder directly under your home, such as ~/Dropscribe",
            )  # fmt: skip


def warnings(settings: Settings, home: str, platform: str) -> Iterator[Fault]:
    """Yield the folders that macOS may close to an agent; a permission can open them, so these are only warnings."""
    if platform != "darwin":
        return
    for name in ("inbox", "outbox", "archive", "failed"):
        path = os.path.realpath(getattr(settings.folders, name))
        if place := places.closed_to_agents(path, home):
            yield Fault(f"folders.{name}", f"{path} is in {place}, which macOS closes to agents", places.REMEDY)
