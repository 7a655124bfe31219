"""The install flow, the same for launchd and systemd: refuse, prepare, start, and believe only what answers.

It knows neither property lists nor units; the keeper does. It ends with the daemon's own answer on its control socket
and with what the agent's own context may read, which a terminal cannot tell.
"""

import os
import sys
from collections.abc import Callable, Iterator

from dropscribe.agent import access, plan
from dropscribe.agent.patience import Patience, until
from dropscribe.agent.plan import Plan
from dropscribe.agent.supervisor import Supervisor, describe
from dropscribe.config import Settings
from dropscribe.control import lock
from dropscribe.core.errors import ConfigError, DropscribeError

Say = Callable[[str], None]


def install(
    supervisor: Supervisor, made: Plan, settings: Settings, say: Say,
    *, home: str, platform: str = sys.platform, patience: Patience | None = None,
) -> bool:  # fmt: skip
    """Bring the agent up with the plan *made*; return whether it runs and reads its folders.

    Repeating it is harmless: the agent is started anew, with the program and settings of now. Raises
    `DropscribeError` when it cannot be started; nothing is written before everything that can be known is checked.
    """
    patience = patience or Patience()
    if faults := list(plan.faults(made, home, platform)):
        raise ConfigError(faults)
    supervisor.require()
    _refuse_second(supervisor, settings)
    _make_folders(settings)
    for warning in plan.warnings(settings, home, platform):
        say(f"warning: {warning.where}: {warning.what}\n  try: {warning.remedy}")
    notes = supervisor.start(made, patience)
    pid = _await_answer(supervisor, settings, patience)
    say(f"Dropscribe runs now (pid {pid}) and starts with each login. {supervisor.name}: {supervisor.path}")
    for note in notes:
        say(note)
    return _may_read(settings, pid, say)


def _refuse_second(supervisor: Supervisor, settings: Settings) -> None:
    """A daemon that somebody started by hand would keep the agent out, which would then fail again and again."""
    running = lock.holder(settings.folders.state)
    if running is None or running == supervisor.report().pid or access.is_agent(settings):
        return
    raise DropscribeError(
        "install", f"a daemon that was not started as an agent runs already (pid {running})",
        f"end it (Ctrl-C in its window, or: kill {running}), then run dropscribe install again",
    )  # fmt: skip


def _make_folders(settings: Settings) -> None:
    """Make every folder of the settings: launchd opens log and working folder before the program starts."""
    wanted = {f"folders.{name}": getattr(settings.folders, name) for name in ("inbox", "outbox", "archive", "failed")}
    private = {"folders.state": settings.folders.state, "log.folder": settings.log.folder}
    for where, folder in (wanted | private).items():
        try:
            os.makedirs(folder, mode=0o700 if where in private else 0o777, exist_ok=True)
        except OSError as error:
            raise DropscribeError(
                where, f"{folder} cannot be made ({error.strerror})", "choose another folder in config.yaml"
            ) from None


def _await_answer(supervisor: Supervisor, settings: Settings, patience: Patience) -> int:
    """Wait until the agent answers on its control socket; return its pid."""
    pid: int | None = None

    def answers() -> bool:
        nonlocal pid
        found = access.daemon(settings)
        pid = found.pid if found is not None and found.agent else None
        return pid is not None

    if until(answers, patience.answer, patience.step) and pid is not None:
        return pid
    raise DropscribeError(
        "install", f"the agent does not answer after {patience.answer:.0f} s; "
        f"{describe(supervisor.report(), supervisor)}",
        "dropscribe doctor looks for the cause; dropscribe uninstall takes it back",
    )  # fmt: skip


def _may_read(settings: Settings, pid: int, say: Say) -> bool:
    """Tell which folders the agent is refused; return whether there are none."""
    refused = list(_refused(settings, pid))
    for line in refused:
        say(line)
    return not refused


def _refused(settings: Settings, pid: int) -> Iterator[str]:
    for folder in access.probe(settings) or ():
        if folder.fault:
            yield f"error: folders.{folder.name}: {folder.fault}\n  try: {folder.remedy(access.program(pid))}"
