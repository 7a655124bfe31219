"""When `run --once` is over: everything is done, or what is left does not move on by itself."""

from typing import TYPE_CHECKING

from dropscribe.log import LOG

if TYPE_CHECKING:
    from dropscribe.service.app import Service


class Drain:
    """Says when `--once` has nothing left to do, and whether anything failed or had to be left."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._failed_before = service.journal.counts()["failed"]
        self._stuck_since: float | None = None
        self.failed = False

    def __call__(self, now: float) -> bool:
        """Return whether to stop now."""
        service = self._service
        intake = service.inbox.intake
        if not service.inbox.online and not service.unfinished:
            LOG.error("the inbox %s is not there", service.settings.folders.inbox)
            self.failed = True
            return True
        waiting = service.journal.has_live()
        at_work = service.unfinished or service.disk.pending or service.backoff.unfinished or intake.scanning
        if not (waiting or len(intake.table) or at_work):
            self.failed = service.journal.counts()["failed"] > self._failed_before
            return True
        stuck = (
            service.backoff.current is not None
            or service.host.admission.blocked_reason is not None
            or service.paused
            or not waiting
        )
        stuck = stuck or service.archiver.waits_for is not None
        working = service.host.busy or service.jobs.busy
        if not stuck or working:
            self._stuck_since = None
            return False
        self._stuck_since = self._stuck_since or now
        if (
            now - self._stuck_since
            < service.settings.intake.incomplete_timeout + service.settings.intake.stable_for + 1
        ):
            return False
        LOG.error("left undone: %d waiting in the inbox%s", len(intake.table), ", and the queue" if waiting else "")
        self.failed = True
        return True

    def deadline(self, now: float) -> float:
        """Return when to ask again at the latest."""
        return now + 0.25
