"""The status of the running daemon, put together from its parts. It only reads."""

import os
import time
from collections.abc import Callable
from itertools import islice

from dropscribe.core.job import printable
from dropscribe.core.status import DaemonStatus, Status, WaitingStatus
from dropscribe.host.host import Host
from dropscribe.journal.journal import Journal
from dropscribe.service import status
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.inbox import Inbox
from dropscribe.service.reload import ConfigReload

MOST_WAITING = 100  # files listed under `intake`


class Reporter:
    """Answers what `status` asks."""

    def __init__(
        self, journal: Journal, inbox: Inbox, host: Host, backoff: Backoff, archiver: Archiver, reload: ConfigReload,
        *, agent: bool, engine: Callable[[], tuple[str, str]], paused: Callable[[], bool],
        idle: Callable[[float], bool],
    ) -> None:  # fmt: skip
        self._journal, self._inbox, self._host, self._backoff = journal, inbox, host, backoff
        self._archiver, self._reload = archiver, reload
        self._agent, self._engine, self._paused, self._idle = agent, engine, paused, idle
        self._started = time.time()

    def status(self) -> Status:
        """Return what `status` shows."""
        now = time.monotonic()
        active = [status.active(job, now) for job in self._host.active]
        table = self._inbox.intake.table
        queue = status.queue(self._journal, self._paused_reason(), len(table) + self._inbox.unrecorded)
        queue.archive_error = self._archiver.waits_for
        return Status(
            daemon=self._daemon_status(),
            model=status.model(self._host, now, queue_empty=self._idle(now)),
            memory=status.memory(self._host.monitor.sample),
            queue=queue,
            current=active[0] if active else None,
            active=active,
            recent=status.recent(self._journal),
            remote=self._host.servers,
            intake=[
                WaitingStatus(name=printable(path), waiting_for=str(what))
                for path, what in islice(table.waiting(), MOST_WAITING)
            ],
        )

    def _daemon_status(self) -> DaemonStatus:
        engine, why = self._engine()
        return DaemonStatus(
            running=True, pid=os.getpid(), started=status.stamp(self._started),
            config=self._reload.path if os.path.exists(self._reload.path) else None,
            config_error=self._reload.error, restart_needed=self._reload.restart_needed, agent=self._agent,
            watch=self._inbox.watch.kind, inbox_online=self._inbox.online, engine=engine, engine_reason=why,
        )  # fmt: skip

    def _paused_reason(self) -> str | None:
        """Return why the queue does not move on, or None."""
        fault, admission = self._backoff.current, self._host.admission
        if self._paused():
            return status.PAUSED
        if fault is not None:
            return f"{fault.reason}: {fault.detail}"
        if admission.blocked_reason is None or self._journal.next_queued() is None:
            return None
        return f"{admission.blocked_as}: {admission.blocked_reason}"
