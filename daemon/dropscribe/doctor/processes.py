"""The daemon, by its lock and socket, and workers that should not exist."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil

from dropscribe import __version__
from dropscribe.control import client, lock
from dropscribe.control.client import NotRunning
from dropscribe.core.protocol import StatusAnswer, StatusRequest
from dropscribe.core.status import Status
from dropscribe.doctor.values import Check, fault, ok, skipped, warning
from dropscribe.memory import processes
from dropscribe.memory.policy import size
from dropscribe.memory.processes import Leftover

CommandOf = Callable[[int], Sequence[str]]


@dataclass(frozen=True)
class Running:
    """The process that holds the state folder, and its answer."""

    pid: int | None  # of the holder of the lock
    status: Status | None  # None: no answer
    lock_held: bool = False

    @property
    def agent(self) -> bool:
        """Say whether it was started as an agent."""
        return self.status is not None and bool(self.status.daemon.agent)

    @property
    def worker(self) -> int | None:
        """The pid of the worker that it knows of."""
        return None if self.status is None else self.status.model.pid


def running(state: str) -> Running:
    """Read the lock in *state* and ask the daemon that holds it."""
    pid = lock.holder(state)
    if pid is None:
        return Running(None, None)
    try:
        answer = client.ask(state, StatusRequest(), StatusAnswer, timeout=5)
        return Running(pid, answer.status, lock_held=True)
    except NotRunning:
        return Running(pid, None, lock_held=True)


def command_of(pid: int) -> list[str]:
    """Return the command line of a process; empty when it has exited or is not visible."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def daemon_state(daemon: Running, installed: str = __version__) -> Iterator[Check]:
    """Judge whether the daemon is running, responds, and has the version that is *installed*."""
    if daemon.status is None:
        if daemon.lock_held:
            yield fault(
                "daemon", f"process {daemon.pid} holds the state folder and does not respond",
                f"kill {daemon.pid}; no file is lost by that",
            )  # fmt: skip
        else:
            yield skipped("daemon", "not running; start it with dropscribe run or dropscribe install")
        return
    told = daemon.status.daemon
    if told.config_error:
        yield warning("daemon", f"the changed configuration is rejected: {told.config_error}", "correct config.yaml")
    elif told.restart_needed:
        keys = ", ".join(told.restart_needed)
        yield warning(
            "daemon", f"a restart is needed to apply {keys}", "dropscribe install, or stop it and run it again"
        )
    elif told.version != installed:
        what = f"version {told.version} runs, {installed} is installed"
        yield warning("daemon", what, "dropscribe install, or stop it and run it again")
    elif told.inbox_online is False:
        yield fault(
            "daemon", "running, but the inbox is unavailable", "make it available again (is a share unmounted?)"
        )
    else:
        yield ok("daemon", f"running (pid {daemon.pid}, version {installed})")


def leftover_workers(
    daemon: Running, found: Sequence[Leftover] | None = None, command_of: CommandOf = command_of
) -> Iterator[Check]:
    """Judge the workers of this user: one for each daemon, and none without a daemon."""
    workers = processes.worker_processes() if found is None else found
    lost = [w for w in workers if w.pid != daemon.worker and not _ours(command_of(w.parent_pid))]
    twice = [w for w in workers if w.parent_pid == daemon.pid and daemon.worker not in (None, w.pid)]
    for worker in (*lost, *twice):
        held = "an unknown amount of memory" if worker.footprint_bytes is None else size(worker.footprint_bytes)
        why = "its daemon is gone" if worker in lost else "the daemon has another worker"
        yield fault("leftovers", f"worker {worker.pid} uses {held} and {why}", f"kill {worker.pid}")
    if not lost and not twice:
        yield ok("leftovers", _owners(daemon, workers))


def _owners(daemon: Running, workers: Sequence[Leftover]) -> str:
    """Say whose the workers are: this daemon's, or of which others."""
    others = sorted({worker.parent_pid for worker in workers if worker.pid != daemon.worker})
    if not workers:
        return "no worker is running"
    own = f"{len(workers) - len(others)} of this daemon" if len(workers) > len(others) else ""
    theirs = f"{len(others)} of other daemons (pid {', '.join(map(str, others))})" if others else ""
    return "no worker without a daemon: " + ", ".join(filter(None, (own, theirs)))


def _ours(command: Sequence[str]) -> bool:
    """Say whether a worker's parent can be a daemon of ours: an orphan belongs to init, or to the user's systemd."""
    return any("python" in word or "dropscribe" in word for word in command)
