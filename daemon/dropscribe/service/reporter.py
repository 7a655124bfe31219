"""The status of the running daemon, put together from its parts. It only reads."""

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice

from dropscribe.core.job import printable
from dropscribe.core.status import DaemonStatus, LeftAloneStatus, RecipeStatus, Status, WaitingStatus
from dropscribe.host.host import Host
from dropscribe.journal.journal import Journal
from dropscribe.service import status
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.hooks import Hooks
from dropscribe.service.lanes import Lane, Lanes
from dropscribe.service.reload import ConfigReload

MOST_WAITING = 100  # files listed under `intake`, and under `left_alone`


class Reporter:
    """Answers what `status` asks."""

    def __init__(
        self, journal: Journal, lanes: Lanes, host: Host, backoff: Backoff, archiver: Archiver, hooks: Hooks,
        reload: ConfigReload, *, agent: bool, engine: Callable[[], tuple[str, str]], paused: Callable[[], bool],
        idle: Callable[[float], bool],
    ) -> None:  # fmt: skip
        self._journal, self._lanes, self._host, self._backoff = journal, lanes, host, backoff
        self._archiver, self._hooks, self._reload = archiver, hooks, reload
        self._agent, self._engine, self._paused, self._idle = agent, engine, paused, idle
        self._started = time.time()

    def status(self) -> Status:
        """Return what `status` shows."""
        now = time.monotonic()
        active = [status.active(job, now) for job in self._host.active]
        watched = self._lanes.watched
        settling = sum(len(lane.inbox.intake.table) + lane.inbox.unrecorded for lane in watched)
        queue = status.queue(self._journal, self._paused_reason(), settling)
        queue.archive_error = self._archiver.waits_for
        queue.left_alone = sum(len(lane.inbox.left_alone) for lane in watched)
        return Status(
            daemon=self._daemon_status(),
            model=status.model(self._host, now, queue_empty=self._idle(now)),
            memory=status.memory(self._host.monitor.sample),
            queue=queue,
            current=active[0] if active else None,
            active=active,
            recent=status.recent(self._journal),
            remote=self._host.servers,
            intake=list(islice((waiting for lane in watched for waiting in _waiting(lane)), MOST_WAITING)),
            left_alone=list(islice((each for lane in watched for each in _left_alone(lane)), MOST_WAITING)),
            recipes=[_recipe(lane) for lane in watched if lane.origin.recipe],
            hooks=self._hooks.status(),
        )

    def _daemon_status(self) -> DaemonStatus:
        (engine, why), base = self._engine(), self._lanes.base
        return DaemonStatus(
            running=True, pid=os.getpid(), started=status.stamp(self._started),
            config=self._reload.path if os.path.exists(self._reload.path) else None,
            config_error=self._reload.error, restart_needed=self._reload.restart_needed, agent=self._agent,
            watch=base.inbox.watch.kind, inbox_online=base.inbox.online, engine=engine, engine_reason=why,
        )  # fmt: skip

    def _paused_reason(self) -> str | None:
        """Return why the queue does not move on, or None."""
        fault, admission = self._backoff.current or self._lanes.base.backoff.current, self._host.admission
        if self._paused():
            return status.PAUSED
        if fault is not None:
            return f"{fault.reason}: {fault.detail}"
        if admission.blocked_reason is None or self._journal.next_queued() is None:
            return None
        return f"{admission.blocked_as}: {admission.blocked_reason}"


def _waiting(lane: Lane) -> Iterator[WaitingStatus]:
    for path, what in lane.inbox.intake.table.waiting():
        yield WaitingStatus(name=printable(path), waiting_for=str(what), recipe=lane.recipe.name or None)


def _left_alone(lane: Lane) -> Iterator[LeftAloneStatus]:
    for path, what in lane.inbox.left_alone:
        yield LeftAloneStatus(name=printable(path), what=what, recipe=lane.recipe.name or None)


def _recipe(lane: Lane) -> RecipeStatus:
    fault = lane.backoff.current
    return RecipeStatus(
        name=lane.recipe.name, inbox=lane.settings.folders.inbox, inbox_online=lane.inbox.online,
        watch=lane.inbox.watch.kind, paused_reason=f"{fault.reason}: {fault.detail}" if fault is not None else None,
    )  # fmt: skip
