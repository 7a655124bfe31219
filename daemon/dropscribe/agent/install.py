"""The install flow, the same for launchd and systemd: check, prepare, start, and wait for the daemon's answer.

It knows neither property lists nor units; the supervisor does. It ends with the daemon's own answer on its control
socket and with a test of what the agent may read, which a terminal cannot know.
"""

import os
import sys
from collections.abc import Callable, Iterator

from dropscribe.agent import access, plan
from dropscribe.agent.plan import Plan
from dropscribe.agent.supervisor import Supervisor, describe
from dropscribe.agent.timeouts import Timeouts, until
from dropscribe.config import Settings
from dropscribe.control import lock
from dropscribe.core.errors import ConfigError, DropscribeError

Say = Callable[[str], None]


def install(
    supervisor: Supervisor, made: Plan, settings: Settings, say: Say,
    *, home: str, platform: str = sys.platform, timeouts: Timeouts | None = None,
) -> bool:  # fmt: skip
    """Start the agent with the plan *made*; return whether it runs and can read its folders.

    Repeating it is harmless: the agent is restarted with the current program and settings. Raises
    `DropscribeError` when it cannot be started; everything that can be checked is checked before anything is written.
    """
    timeouts = timeouts or Timeouts()
    if faults := list(plan.faults(made, home, platform)):
        raise ConfigError(faults)
    supervisor.require()
    _refuse_second(supervisor, settings)
    _make_folders(settings)
    for warning in plan.warnings(settings, home, platform):
        say(f"warning: {warning.where}: {warning.what}\n  try: {warning.remedy}")
    notes = supervisor.start(made, timeouts)
    pid = _await_answer(supervisor, settings, timeouts)
    say(f"Dropscribe is running (pid {pid}) and starts at each login. {supervisor.name}: {supervisor.path}")
    for note in notes:
        say(note)
    return _may_read(settings, pid, say)


def _refuse_second(supervisor: Supervisor, settings: Settings) -> None:
    """Refuse beside a daemon that was started by hand: the agent could not get the lock and would fail repeatedly."""
    running = lock.holder(settings.folders.state)
    if running is None or running == supervisor.report().pid or access.is_agent(settings):
        return
    raise DropscribeError(
        "install", f"a daemon that was not started as an agent is already running (pid {running})",
        f"stop it (Ctrl-C in its window, or: kill {running}), then run dropscribe install again",
    )  # fmt: skip


def _make_folders(settings: Settings) -> None:
    """Create every folder of the settings: launchd opens log and working folder before the program starts."""
    wanted = {f"folders.{name}": getattr(settings.folders, name) for name in ("inbox", "outbox", "archive", "failed")}
    private = {"folders.state": settings.folders.state, "log.folder": settings.log.folder}
    for where, folder in (wanted | private).items():
        try:
            os.makedirs(folder, mode=0o700 if where in private else 0o777, exist_ok=True)
        except OSError as error:
            raise DropscribeError(
                where, f"{folder} cannot be created ({error.strerror})", "choose another folder in config.yaml"
            ) from None


def _await_answer(supervisor: Supervisor, settings: Settings, timeouts: Timeouts) -> int:
    """Wait until the agent answers on its control socket; return its pid."""
    pid: int | None = None

    def answers() -> bool:
        nonlocal pid
        found = access.daemon(settings)
        pid = found.pid if found is not None and found.agent else None
        return pid is not None

    if until(answers, timeouts.answer, timeouts.step) and pid is not None:
        return pid
    raise DropscribeError(
        "install", f"the agent does not respond after {timeouts.answer:.0f} s; "
        f"{describe(supervisor.report(), supervisor)}",
        "dropscribe doctor searches for the cause; dropscribe uninstall removes the agent",
    )  # fmt: skip


def _may_read(settings: Settings, pid: int, say: Say) -> bool:
    """Report the folders that the agent may not read; return whether there are none."""
    refused = list(_refused(settings, pid))
    for line in refused:
        say(line)
    return not refused


def _refused(settings: Settings, pid: int) -> Iterator[str]:
    for folder in access.probe(settings) or ():
        if folder.fault:
            yield f"error: folders.{folder.name}: {folder.fault}\n  try: {folder.remedy(access.program(pid))}"
