"""Which files are new and complete: events and scans go in, settled files come out.

Runs on the main thread and touches no disk itself: it hands requests to look to the disk thread. Which paths have a
job already is the journal's knowledge and comes in as an argument.
"""

import os
from collections.abc import Sequence

from dropscribe.config import Settings
from dropscribe.core.job import Found, Signature
from dropscribe.intake import ignore
from dropscribe.intake.scan import FileInfo, Scan, Slice
from dropscribe.intake.settling import LONGEST_WAIT, Rejected, Settled, SettlingTable

ROOT_CHECK = 5.0  # seconds between looks at the inbox itself
POLL = 2.0  # seconds between scans when there are no events
PREWARM_LIMIT = 30.0  # seconds for which a settling file counts as work


class Intake:
    """The inbox as far as it is not work yet."""

    def __init__(self, settings: Settings, now: float, wall: float) -> None:
        self._start = wall - now  # ages are by the monotonic clock: the wall clock may be set, and jumps over a sleep
        self.root = os.fsencode(settings.folders.inbox)
        self.table = SettlingTable(settings.intake.stable_for, settings.intake.incomplete_timeout)
        self.apply(settings)
        self.polling = False
        self._scans: list[Scan] = [self._scan(b"")]
        self._next_scan = now + self._settings.rescan_interval
        self._scan_cost = 0.0
        self._promising_since: float | None = None

    def apply(self, settings: Settings) -> None:
        """Take over changed settings."""
        self._settings = settings.intake
        self.table.stable_for, self.table.incomplete_timeout = (
            settings.intake.stable_for,
            settings.intake.incomplete_timeout,
        )

    def _scan(self, folder: bytes) -> Scan:
        return Scan(self.root, folder, self._settings.ignore)

    # -- what wants looking at

    def below(self, paths: Sequence[bytes], now: float) -> list[bytes]:
        """Return the paths below the inbox that *hints* (absolute) name and that want a look.

        Without room for more candidates a full scan follows instead, when there is room again.
        """
        prefix = self.root + b"/"
        wanted: list[bytes] = []
        for path in paths:
            if path == self.root:
                continue
            relative = path.removeprefix(prefix)
            if relative in self.table:
                self.table.recheck_now(relative, now)
            elif relative != path and not ignore.ignored(relative, self._settings.ignore):
                wanted.append(relative)
        if wanted and not self.table.has_room:
            self.rescan()
            wanted.clear()
        return wanted

    def rescan(self, folder: bytes = b"") -> None:
        """Request a scan of *folder* below the inbox."""
        if not any(scan.folder == folder for scan in self._scans[1:]):
            self._scans.append(self._scan(folder))

    def current_scan(self, now: float) -> Scan | None:
        """Return the scan to continue with, if one is pending and there is room for what it finds."""
        if not self._scans and now >= self._next_scan:
            self._scans.append(self._scan(b""))
        return self._scans[0] if self._scans and self.table.has_room else None

    @property
    def scanning(self) -> bool:
        """Say whether a full scan is running or pending."""
        return bool(self._scans)

    def scanned(self, scan: Scan, part: Slice | None, now: float, seconds: float) -> None:
        """Take note that *scan* moved on; None means it failed."""
        self._scan_cost += seconds
        if part is None or part.last:
            self._scans = [s for s in self._scans if s is not scan]
            if scan.folder == b"":
                pause = max(POLL, 10 * self._scan_cost) if self.polling else self._settings.rescan_interval
                self._next_scan = now + min(pause, self._settings.rescan_interval)
                self._scan_cost = 0.0

    def take(
        self,
        infos: Sequence[FileInfo],
        live: dict[bytes, Signature],
        kept: dict[bytes, tuple[int, int]],
        now: float,
    ) -> list[Settled | Rejected]:
        """Judge *looks*, leaving out what has a job (*live*) or was read and kept; return the verdicts."""
        verdicts = []
        for look in infos:
            if look.folder:
                self.table.drop(look.path)  # it may have been a file a moment ago
                if ignore.wanted_folder(os.path.basename(look.path)):
                    self.rescan(look.path)
                continue
            signature = look.signature
            if signature is not None and (
                look.path in live or kept.get(look.path) == (signature.size, signature.mtime_ns)
            ):
                self.table.drop(look.path)
                continue
            if verdict := self.table.judge(look, now, self._wall(now)):
                verdicts.append(verdict)
        return verdicts

    def defer(self, found: Found, now: float) -> None:
        """Take back a file that seems cut off; see `SettlingTable.defer`."""
        self.table.defer(found, now, self._wall(now))

    def waited_enough(self, since: float, now: float) -> bool:
        """Say whether a file unchanged since *since* (`Found.since`) has had its time to become whole."""
        return self._wall(now) - since >= self._settings.incomplete_timeout

    def _wall(self, now: float) -> float:
        """Return what the wall clock would say if nobody had set it since the start."""
        return self._start + now

    # -- time

    def deadline(self, now: float) -> float | None:
        """Return when this part wants to be called again."""
        due, scan = self.table.next_due(), self._next_scan
        if self._scans:
            scan = now if self.table.has_room else LONGEST_WAIT + now  # the table makes room when something is due
        return scan if due is None else min(due, scan)

    def work_ahead(self, now: float) -> bool:
        """Say whether a file is about to settle, for at most `PREWARM_LIMIT` at a stretch."""
        if not self.table.promising():
            self._promising_since = None
            return False
        if self._promising_since is None:
            self._promising_since = now
        return now - self._promising_since < PREWARM_LIMIT
