"""When `run --once` is over: everything is done, or what is left does not move on by itself."""

from collections.abc import Callable

from dropscribe.config import Settings
from dropscribe.core.job import printable
from dropscribe.host.host import Host
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.inbox import Inbox

NAMED = 3  # files that are waited for by name


class Drain:
    """Says when `--once` has nothing left to do, and whether anything failed or had to be left."""

    def __init__(
        self, settings: Settings, journal: Journal, inbox: Inbox, host: Host, backoff: Backoff, archiver: Archiver,
        *, at_work: Callable[[], bool], reading: Callable[[], bool], paused: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._settings, self._journal, self._inbox, self._host = settings, journal, inbox, host
        self._backoff, self._archiver = backoff, archiver
        self._at_work, self._reading, self._paused = at_work, reading, paused
        self._failed_before = journal.counts()["failed"]
        self._stuck_since: float | None = None
        self._told = ""
        self.failed = False

    def over(self, now: float) -> bool:
        """Return whether to stop now; *failed* says how it went."""
        if not self._inbox.online and not self._at_work():
            LOG.error("the inbox %s is not there", self._settings.folders.inbox)
            self.failed = True
            return True
        waiting, table = self._journal.has_live(), self._inbox.intake.table
        if not (waiting or len(table) or self._at_work() or self._inbox.intake.scanning):
            self.failed = self._journal.counts()["failed"] > self._failed_before
            return True
        if not self._stuck(waiting) or self._reading():
            self._stuck_since = None
            return False
        self._stuck_since = self._stuck_since or now
        self._tell(waiting)
        intake = self._settings.intake
        if now - self._stuck_since < intake.incomplete_timeout + intake.stable_for + 1:
            return False
        LOG.error("left undone: %d waiting in the inbox%s", len(table), ", and the queue" if waiting else "")
        self.failed = True
        return True

    def _tell(self, queue: bool) -> None:
        """Say what is waited for, whenever that changes."""
        files = [f"{printable(path)} ({what})" for path, what in self._inbox.intake.table.waiting()]
        named = ", ".join(files[:NAMED]) + (f" and {len(files) - NAMED} more" if len(files) > NAMED else "")
        fault = self._backoff.current
        reasons = (
            "the queue is paused by command" if self._paused() else "",
            f"{fault.reason}: {fault.detail}" if fault is not None else "",
            self._host.admission.blocked_reason or "", self._archiver.waits_for or "",
        )  # fmt: skip
        told = "; ".join(filter(None, (named, *(reasons if queue or not files else ()))))
        if told and told != self._told:
            self._told = told
            most = self._settings.intake.incomplete_timeout + self._settings.intake.stable_for
            LOG.warning("waiting, for at most %.0f s without a change, for: %s", most, told)

    def _stuck(self, waiting: bool) -> bool:
        """Say whether what is left may not move on by itself."""
        return (
            self._backoff.current is not None
            or self._host.admission.blocked_reason is not None
            or self._paused()
            or not waiting
            or self._archiver.waits_for is not None
        )

    def deadline(self, now: float) -> float:
        """Return when to ask again at the latest."""
        return now + 0.25
