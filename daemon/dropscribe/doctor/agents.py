"""The agent: is it installed, running and allowed to read; is its file what `install` would write now."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence

from dropscribe.agent import access, launchd, plan
from dropscribe.agent.access import Folder
from dropscribe.agent.supervisor import Supervisor, describe, supervisor_for
from dropscribe.config import Settings
from dropscribe.doctor.processes import Running
from dropscribe.doctor.values import Check, fault, ok, skipped, warning

AGAIN = "dropscribe install"


def all_of(settings: Settings, daemon: Running) -> Iterator[Check]:
    """Make every check on the agent of this machine."""
    supervisor = supervisor_for()
    yield from installed(supervisor)
    if os.path.exists(supervisor.path):
        yield current(supervisor, launchd.read(supervisor.path), settings)
    probe = access.probe(settings) if daemon.agent else None
    yield from reads(daemon, probe, access.program)


def installed(supervisor: Supervisor | None = None) -> Iterator[Check]:
    """Judge the state that the system reports for the agent."""
    supervisor = supervisor or supervisor_for()
    if not os.path.exists(supervisor.path):
        yield skipped("agent", f"no {supervisor.name} is installed; {AGAIN} starts Dropscribe at login")
        return
    report = supervisor.report()
    told = f"{supervisor.name} {describe(report, supervisor)}"
    if report.pid is not None and not (report.last_end and (report.runs or 0) > 1):
        yield ok("agent", told)
    elif report.pid is not None:
        yield warning("agent", told, "dropscribe logs says what happened")
    else:
        yield fault("agent", told, supervisor.off if report.disabled else AGAIN)


def current(supervisor: Supervisor, found: dict[str, object] | None, settings: Settings) -> Check:
    """Judge the installed file; *found* is a property list, None for a unit (or for one that cannot be read)."""
    if found is None:
        return _current_unit(supervisor, settings)
    words = found.get("ProgramArguments")
    python = str(words[0]) if isinstance(words, list) and words else ""
    if not os.path.exists(python):
        what = f"the Python that {supervisor.path} names no longer exists: {python}"
        return fault("agent file", what, f"{AGAIN}, from the environment that Dropscribe is installed in now")
    return _grace(found.get("ExitTimeOut"), settings) or _program(python)


def _current_unit(supervisor: Supervisor, settings: Settings) -> Check:
    with open(supervisor.path, encoding="utf-8", errors="replace") as file:
        properties = dict(line.strip().partition("=")[::2] for line in file if "=" in line)
    python = properties.get("ExecStart", "").split('"')[1:2]
    if not python or not os.path.exists(python[0].replace("%%", "%").replace("$$", "$")):
        named = python[0] if python else "none"
        return fault("agent file", f"the Python that {supervisor.path} names no longer exists: {named}", AGAIN)
    seconds = properties.get("TimeoutStopSec", "")
    return _grace(int(seconds) if seconds.isdigit() else None, settings) or _program(python[0])


def _grace(seconds: object, settings: Settings) -> Check | None:
    """Judge whether the system waits long enough for the current page at a stop."""
    needed = plan.make(settings, None, {}).stop_seconds
    if isinstance(seconds, int) and seconds < needed:
        what = f"at a stop the system waits {seconds} s, and model.shutdown_grace asks for {needed}"
        return warning("agent file", what, AGAIN)
    return None


def _program(python: str) -> Check:
    if os.path.abspath(sys.executable) != python:
        return warning(
            "agent file", f"the agent runs {python}, this command {sys.executable}", f"{AGAIN}, if that is wrong"
        )
    return ok("agent file", f"it runs {python}")


def reads(daemon: Running, probe: Sequence[Folder] | None, program: Callable[[int], str]) -> Iterator[Check]:
    """Judge what the agent's own context may read."""
    if not daemon.agent or probe is None or daemon.pid is None:
        yield skipped("agent access", "no agent is running; only an agent can test what it may read")
        return
    faults = [folder for folder in probe if folder.fault]
    for folder in faults:
        yield fault("agent access", f"folders.{folder.name}: {folder.fault}", folder.remedy(program(daemon.pid)))
    if not faults:
        yield ok("agent access", f"the agent ({program(daemon.pid)}) may read {', '.join(f.name for f in probe)}")
