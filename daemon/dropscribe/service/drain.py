"""When `run --once` is over: everything is done, or what is left does not move on by itself."""

from collections.abc import Callable, Sequence

from dropscribe.config import Settings
from dropscribe.core.job import printable
from dropscribe.host.host import Host
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.lanes import Lane, Lanes

NAMED = 3  # files that are waited for by name


class Drain:
    """Says when `--once` has nothing left to do, and whether anything failed or had to be left."""

    def __init__(
        self, settings: Settings, journal: Journal, lanes: Lanes, host: Host, backoff: Backoff, archiver: Archiver,
        *, at_work: Callable[[], bool], reading: Callable[[], bool], paused: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._settings, self._journal, self._lanes, self._host = settings, journal, lanes, host
        self._backoff, self._archiver = backoff, archiver
        self._at_work, self._reading, self._paused = at_work, reading, paused
        self._failed_before = journal.counts()["failed"]
        self._stuck_since: float | None = None
        self._told = ""
        self.failed = False

    def over(self, now: float) -> bool:
        """Return whether to stop now; *failed* says how it went."""
        here = [lane for lane in self._lanes.watched if lane.inbox.online]
        if not here and not self._at_work():
            LOG.error("the inbox %s is not there", self._settings.folders.inbox)
            self.failed = True
            return True
        waiting, settling = self._journal.has_live(), sum(len(lane.inbox.intake.table) for lane in here)
        if not (waiting or settling or self._at_work() or any(lane.inbox.intake.scanning for lane in here)):
            self.failed = self._is_away(here) or self._journal.counts()["failed"] > self._failed_before
            return True
        if not self._stuck(waiting) or self._reading():
            self._stuck_since = None
            return False
        self._stuck_since = self._stuck_since or now
        self._tell(waiting)
        intake = self._settings.intake
        if now - self._stuck_since < intake.incomplete_timeout + intake.stable_for + 1:
            return False
        LOG.error("left undone: %d waiting in the inbox%s", settling, ", and the queue" if waiting else "")
        self.failed = True
        return True

    def _is_away(self, here: Sequence[Lane]) -> bool:
        """Say, and log, whether an inbox was not there to be drained."""
        away = [lane for lane in self._lanes.watched if lane not in here]
        for lane in away:
            LOG.error("the inbox %s is not there", lane.settings.folders.inbox)
        return bool(away)

    def _tell(self, queue: bool) -> None:
        """Say what is waited for, whenever that changes."""
        tables = [lane.inbox.intake.table for lane in self._lanes.watched]
        files = [f"{printable(path)} ({what})" for table in tables for path, what in table.waiting()]
        named = ", ".join(files[:NAMED]) + (f" and {len(files) - NAMED} more" if len(files) > NAMED else "")
        faults = [fault for each in self._backoffs() if (fault := each.current) is not None]
        reasons = (
            "the queue is paused by command" if self._paused() else "",
            *(f"{fault.reason}: {fault.detail}" for fault in faults),
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
            any(each.current is not None for each in self._backoffs())
            or self._host.admission.blocked_reason is not None
            or self._paused()
            or not waiting
            or self._archiver.waits_for is not None
        )

    def _backoffs(self) -> list[Backoff]:
        return [self._backoff, *(lane.backoff for lane in self._lanes)]

    def deadline(self, now: float) -> float:
        """Return when to ask again at the latest."""
        return now + 0.25
