"""The inbox as the loop sees it: events and scans in, jobs in the journal out; and whether it is there at all."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dropscribe.config import Settings
from dropscribe.core.errors import Fault, Reason
from dropscribe.core.job import Found, Job, Origin, Signature, State, Unmounted, printable
from dropscribe.intake import intake, scan
from dropscribe.intake.events import REMOTE, EventBuffer, Watch, file_system
from dropscribe.intake.intake import Intake
from dropscribe.intake.left_alone import LeftAlone
from dropscribe.intake.scan import SLICE, FileInfo, Obstacle, Rules, Scan
from dropscribe.intake.settling import Rejected, Settled, Waiting
from dropscribe.intake.trust import Trust
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.flow import Flow, Flows, on_disk

REST = 1.0  # seconds after a look that failed
ANOTHER_INBOX = 300.0  # seconds after which another folder under the inbox's name is taken for the inbox itself


class Inbox:
    """Feeds the journal from the inbox, and notices when the inbox goes, comes back or is another one."""

    def __init__(
        self, settings: Settings, journal: Journal, flows: Flows, events: EventBuffer, unmounted: Unmounted,
        now: float, *, origin: Origin, layout: Callable[[], list[Fault]],
    ) -> None:  # fmt: skip
        self.intake = Intake(settings, now, time.time())
        self.origin, self._layout, self._retired = origin, layout, False
        self._journal, self._flows, self._events = journal, flows, events
        self._settings, self._unmounted = settings, unmounted
        self._identity = self._own_identity = self.identity()
        self.online = self._identity is not None
        self._strange_since: float | None = None
        self._looking: set[bytes] = set()
        self._look_again: set[bytes] = set()
        self._not_seen: set[bytes] = set()  # looked at in vain
        self._rest_until, self._fault = 0.0, ""
        self._scan_running = False
        self.left_alone = LeftAlone()
        self.unrecorded = 0  # judged, and not in the journal yet: its disk is full
        self.next_check = now + intake.ROOT_CHECK  # when it wants to be looked at (see `inbox_checks`)
        self._rules = self._rules_for(settings)
        self.watch = Watch(settings.folders.inbox, settings.intake.watch, events)
        self.intake.polling = self.watch.kind == "poll"
        LOG.info("watching %s: %s (%s)", settings.folders.inbox, self.watch.kind, self.watch.why)

    def retire(self) -> None:
        """Take no more files; those that were taken can still be looked at."""
        self._retired = True
        self.watch.close()

    def apply(self, settings: Settings) -> None:
        """Take over changed settings."""
        rewatch = settings.intake.watch != self._settings.intake.watch
        judged = ("ignore", "trusted_owners")
        rescan = any(getattr(settings.intake, key) != getattr(self._settings.intake, key) for key in judged)
        self._settings = settings
        self.intake.apply(settings)
        self._rules = self._rules_for(settings)
        if rewatch:
            self._rewatch()
        if rescan:
            self.intake.rescan()

    # -- looking

    def tick(self, now: float) -> None:
        """Send to the disk thread whatever wants looking at."""
        if self._retired:
            return
        paths, overflow = self._events.take()
        if overflow:
            self.intake.rescan()
        self._not_seen.update(self.intake.below(paths, now))
        if now < self._rest_until:
            return
        self._look(list(self._not_seen), probe=False)
        self._not_seen.clear()
        self._look(self.intake.table.due(now, SLICE), probe=True)
        free = not self._scan_running and not self._flows.unrecorded
        if free and self.online and (current := self.intake.current_scan(now)):
            self._flows.start(self._step(current, now))

    def look(self, path: bytes) -> FileInfo:
        """(disk thread) Return what lies at *path* below the inbox, opened as a reader would.

        Its folder is not listed: where thousands lie, that would be done thousands of times.
        """
        rules = replace(self._rules, downloads=False)
        (found,) = scan.at(self.intake.root, [path], probe=True, rules=rules)
        return found

    def has_writer(self, path: bytes) -> bool:
        """(disk thread) Say whether somebody is known to write to the file at *path* below the inbox."""
        return self.look(path).obstacle is Obstacle.WRITER

    @property
    def asked_device(self) -> int | None:
        """The device on which the system tells who writes to a file, or None."""
        return self._rules.device

    def offer(self, path: bytes) -> None:
        """Look at *path* (below the inbox): something about it may be new."""
        if self._retired:
            return
        self._look([path], probe=False)

    def _look(self, paths: Sequence[bytes], *, probe: bool) -> None:
        """Look at *paths*; where a look is under way already, another follows it."""
        if not probe:
            self._look_again.update(self._looking.intersection(paths))
        fresh = [path for path in dict.fromkeys(paths) if path not in self._looking]
        for start in range(0, len(fresh), SLICE):
            self._flows.start(self._look_at(fresh[start : start + SLICE], probe=probe))

    def _look_at(self, paths: Sequence[bytes], *, probe: bool) -> Flow[None]:
        self._looking.update(paths)
        try:
            infos = yield from on_disk(lambda: scan.at(self.intake.root, paths, probe=probe, rules=self._rules))
        except Exception as error:  # one look must not end the daemon
            self._rest(error)
            self._not_seen.update(paths)
            return
        finally:
            self._looking.difference_update(paths)
        self._fault = ""
        self._take(infos)
        again = self._look_again.intersection(paths)
        self._look_again -= again
        self._look(list(again), probe=False)

    def _rest(self, error: Exception) -> None:
        """Look away for a moment, and tell a fault once: whatever the machine lacks, it lacks for the next look too."""
        self._rest_until = time.monotonic() + REST
        what = getattr(error, "strerror", None) or str(error)  # without the name, which differs each time
        if what != self._fault:
            self._fault = what
            LOG.warning("the inbox cannot be looked at: %s", error)

    def _step(self, current: Scan, begun: float) -> Flow[None]:
        """Do one slice of a scan."""
        self._scan_running = True
        try:
            part = yield from on_disk(current.step)
        except Exception as error:  # one look must not end the daemon
            self.intake.scanned(current, None, time.monotonic(), 0.0)
            if current.folder == b"":
                self._rest(error)
                self.next_check = 0.0
            return
        finally:
            self._scan_running = False
        self._take(part.infos)
        if part.last:
            self._leave(current)
        if part.faults and part.last:
            LOG.debug("%d folders of the inbox could not be listed", part.faults)
        if part.last and current.folder == b"":
            self._flows.start(self._forget_kept())
        now = time.monotonic()
        self.intake.scanned(current, part, now, now - begun)

    def _leave(self, over: Scan) -> None:
        """Tell, once, what a scan has found that is never taken."""
        if over.folder == b"":
            before, news = self.left_alone.more, self.left_alone.scanned(over.strange, over.more_strange)
            if self.left_alone.more and not before:
                LOG.warning("left alone: %d more that are no files", self.left_alone.more)
        else:
            news = {path: what for path, what in over.strange.items() if self.left_alone.seen(path, what)}
        _warn_left_alone(news)

    def _forget_kept(self) -> Flow[None]:
        """Forget originals that were left in the inbox and have been taken since; never while it is not there."""
        if self._settings.output.originals != "keep" or self._identity != self._own_identity:
            return  # another folder under the inbox's name: an empty mount point, most likely
        paths, root, known = list(self._journal.metadata.all_kept(self.origin.inbox)), self.intake.root, self._identity

        def missing() -> list[bytes]:
            if not os.listdir(root):
                return []  # an empty mount point, most likely; to remember too much costs nothing
            gone = [path for path in paths if not os.path.lexists(os.path.join(root, path))]
            return gone if self.identity() == known else []

        try:
            gone = yield from on_disk(missing)
        except OSError as error:
            LOG.warning("looking for kept originals: %s", error)
            return
        if gone:
            self._flows.record(lambda: self._journal.metadata.forget_kept(gone, self.origin.inbox))

    def _take(self, infos: Sequence[FileInfo]) -> None:
        """Judge *infos* and put what has settled into the journal."""
        now, own = time.monotonic(), self.origin.inbox
        outputs = self._outputs_among([info.path for info in infos])
        for path in outputs:
            self.intake.table.drop(path)
        infos = [info for info in infos if info.path not in outputs]
        paths = [info.path for info in infos]
        live = self._journal.known(paths, own)
        for info in infos:
            if info.signature is not None and info.path in live and not live[info.path].same_file(info.signature):
                self._replaced(info.path, live)
        self._tell(infos)
        _warn_left_alone({i.path: i.strange for i in infos if self.left_alone.seen(i.path, i.strange)})
        kept = self._journal.metadata.kept(paths, own) if self._settings.output.originals == "keep" else {}
        verdicts = self.intake.take(infos, live, kept, now)
        settled = [verdict.found for verdict in verdicts if isinstance(verdict, Settled)]
        refused = [(v.found, v.reason, v.detail) for v in verdicts if isinstance(v, Rejected)]
        for found, _, detail in refused:
            LOG.warning("%s: %s", printable(found.path), detail)
        if settled or refused:
            self.unrecorded += len(verdicts)
            self._flows.record(lambda: self._record(settled, refused))

    def _tell(self, infos: Sequence[FileInfo]) -> None:
        """Log, once, why a file is left where it is without end."""
        for info in infos:
            waiting = self.intake.table.waits_for(info.path)
            if info.obstacle is Obstacle.WRITER and waiting not in (None, Waiting.WRITER):
                LOG.info("%s: waits for its writer, or for a download beside it", printable(info.path))
            elif info.obstacle is Obstacle.UNTRUSTED and waiting not in (None, Waiting.PERMISSION):
                what = "others can write to its folder, and it has several names or another owner"
                LOG.warning("%s: not taken: %s (intake.trusted_owners)", printable(info.path), what)

    def _outputs_among(self, paths: Sequence[bytes]) -> set[bytes]:
        """Return those of *paths* that are our own: a recipe may have put texts beside their originals, or did once."""
        return self._journal.outputs_among(paths, self.origin.inbox) if self.origin.inbox else set()

    def _record(self, settled: Sequence[Found], refused: Sequence[tuple[Found, Reason, str]]) -> None:
        # Looked at again: what waited behind the record of a publication may have been published by it.
        ours = self._outputs_among([found.path for found in (*settled, *(each[0] for each in refused))])
        self._journal.add([found for found in settled if found.path not in ours], self.origin)
        self._journal.reject_unread([each for each in refused if each[0].path not in ours], self.origin)
        self.unrecorded -= len(settled) + len(refused)

    def _replaced(self, path: bytes, live: dict[bytes, Signature]) -> None:
        """A waiting job's file has new content: the job is gone, the content settles as a new file."""
        job = self._journal.live_at(path, self.origin.inbox)
        if job is not None and job.state is State.QUEUED:
            LOG.info("%s: changed before it was read", job.name)
            self._flows.record(lambda: self._journal.finish(job, time.time(), replaced=True))
            del live[path]

    def defer(self, job: Job) -> None:
        """Take back the file of a job that seems cut off."""
        self.intake.defer(Found(job.path, job.signature, job.since), time.monotonic())

    # -- is it there at all

    def identity(self) -> tuple[int, int] | None:
        """(any thread) Return (device, inode) of the inbox as it is now, or None while it is not there."""
        return None if self._unmounted() else scan.root_identity(self.intake.root)

    def checked(self, found: "tuple[tuple[int, int] | None, str] | OSError") -> None:
        """Compare what `usable` *found* with what we know; watch again when it is another, or events have stopped."""
        if self._retired:
            return
        if isinstance(found, OSError):
            self._rest(found)  # that says nothing of the inbox
            return
        identity, why = found
        if identity is None:
            if self.online:
                LOG.warning("the inbox %s cannot be used (%s); waiting for it", self._settings.folders.inbox, why)
                self.online = False
                self.watch.close()
            return
        if self.online and identity == self._identity and self.watch.alive:
            return
        what = "back" if not self.online else "another folder now" if identity != self._identity else "watched again"
        LOG.info("the inbox %s is %s", self._settings.folders.inbox, what)
        self.online, self._identity = True, identity
        self._rewatch()
        self.intake.rescan()

    def usable(self) -> "tuple[tuple[int, int] | None, str] | OSError":
        """(disk thread) Return what `identity` does, or why the folder under that name now cannot be an inbox.

        An error is one of the machine, which lacks something now.
        """
        try:
            identity = self.identity()
            if identity is None:
                return None, "it cannot be seen"
            # A link was pointed elsewhere, or a volume mounted: what was checked at the start may not hold any more.
            faults = self._layout() if identity != self._identity else []
        except OSError as error:
            return error
        return (None, faults[0].what) if faults else (identity, "")

    def _rules_for(self, settings: Settings) -> Rules:
        """Return by what files are judged that are opened in the inbox as it is now."""
        local = file_system(os.path.realpath(settings.folders.inbox)) not in REMOTE
        device = self._identity[0] if local and self._identity is not None else None
        return Rules(Trust.of(settings.intake.trusted_owners), device)

    def _rewatch(self) -> None:
        self._rules = self._rules_for(self._settings)
        self.watch.close()
        self.watch = Watch(self._settings.folders.inbox, self._settings.intake.watch, self._events)
        self.intake.polling = self.watch.kind == "poll"

    def is_known_inbox(self, job: Job, identity: tuple[int, int] | None) -> bool:
        """Say whether a file that is missing is really gone, and not the whole inbox unmounted.

        *identity* is the inbox as just seen. An empty mount point lies on another device than the job's file; after
        some minutes it is believed all the same: what is gone and comes back is simply new work.
        """
        if identity is None:
            return False
        now = time.monotonic()
        if identity[0] == job.signature.device:
            self._strange_since = None
            return True
        self._strange_since = self._strange_since or now
        return now - self._strange_since >= ANOTHER_INBOX

    def deadline(self, now: float) -> float | None:
        """Return when `tick` wants to be called again."""
        if self._retired:
            return None
        wanted = self.intake.deadline(now)
        looking = bool(self._looking) and wanted is not None and wanted <= now
        if self._scan_running or not self.online or self._flows.unrecorded or looking:
            wanted = None  # the disk thread wakes the loop
        soonest = min(self.next_check, wanted) if wanted is not None else self.next_check
        return max(soonest, self._rest_until)

    def close(self) -> None:
        """Stop watching; may be called twice."""
        self.watch.close()


def _warn_left_alone(news: Mapping[bytes, str | None]) -> None:
    for path, what in news.items():
        LOG.warning("left alone: %s (%s)", printable(path), what)
