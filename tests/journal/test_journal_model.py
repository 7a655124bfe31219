"""The journal against a model of plain dictionaries: any steps, crashes and late reports in any order."""

import os
import shutil
import tempfile
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from dropscribe.core.errors import Reason
from dropscribe.core.job import LIVE, Found, Job, Signature, State
from dropscribe.journal.journal import PATIENT, Journal

PATHS = st.sampled_from([b"a.png", b"A.png", b"sub/\xff\n.pdf", "ä".encode()])
NUMBERS = st.integers(0, 2**62)


@dataclass
class Row:
    """What the model knows of a job."""

    id: int
    path: bytes
    signature: Signature
    state: State = State.QUEUED
    claim: int = 0
    attempts: int = 0
    deaths: int = 0
    interruptions: int = 0
    pressure_stops: int = 0
    rank: int = 0
    stem: bytes | None = None
    outputs: tuple[bytes, ...] = ()
    destination: bytes | None = None
    reason: Reason | None = None


class JournalModel(RuleBasedStateMachine):
    """Handles are jobs as they were given out, old ones included: a report under one of those must change nothing."""

    handles: Bundle[Job] = Bundle("handles")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.lives = 0
        self.journal = Journal(os.path.join(self.folder, "0.db"))
        self.rows: dict[int, Row] = {}
        self.untold = set[int]()  # replaced by new content
        self.clock = 0.0

    # -- what the model says

    def live(self, path: bytes) -> Row | None:
        return next((row for row in self.rows.values() if row.path == path and row.state in LIVE), None)

    def queued(self) -> list[Row]:
        return sorted((r for r in self.rows.values() if r.state is State.QUEUED), key=lambda r: (r.rank, r.id))

    def held(self, job: Job) -> Row | None:
        """Return the row that a report under *job* may change."""
        row = self.rows.get(job.id)
        return row if row and row.path == job.path and (row.claim, row.state) == (job.claim, State.RUNNING) else None

    # -- steps

    @rule(paths=st.lists(PATHS, max_size=4), size=NUMBERS, inode=NUMBERS)
    def add(self, paths: list[bytes], size: int, inode: int) -> None:
        signature = Signature(size, 1, inode, 1)
        fresh = [path for path in dict.fromkeys(paths) if self.live(path) is None]

        assert self.journal.add([Found(path, signature, 0.0) for path in paths]) == len(fresh)
        for path in fresh:
            job = self.journal.live_at(path)
            assert job is not None and job.id not in self.rows
            self.rows[job.id] = Row(job.id, path, signature)

    @rule(path=PATHS)
    def reject_unread(self, path: bytes) -> None:
        self.journal.reject_unread([(Found(path, Signature(0, 0, 0, 0), 0.0), Reason.EMPTY, "empty")])
        if self.live(path) is None:
            job = self.journal.live_at(path)
            assert job is not None
            row = self.rows[job.id] = Row(job.id, path, Signature(0, 0, 0, 0))
            row.state, row.reason = State.REJECTED, Reason.EMPTY

    @rule(target=handles, stem=PATHS)
    def claim_next(self, stem: bytes) -> Job | MultipleResults[Job]:
        job = self.journal.next_queued()
        if job is None:
            return multiple()
        row = self.rows[job.id]
        row.state, row.claim, row.stem = State.RUNNING, row.claim + 1, stem
        return self.journal.claim(job, stem)

    @rule(job=handles, stem=PATHS)
    def claim_by_handle(self, job: Job, stem: bytes) -> None:
        row = self.rows.get(job.id)
        if row is None or row.state is State.QUEUED:
            return
        assert self.journal.claim(job, stem).claim == row.claim

    @rule(job=handles, interrupted=st.booleans(), pressure=st.booleans(), behind=st.booleans())
    def release(self, job: Job, interrupted: bool, pressure: bool, behind: bool) -> None:
        self.journal.release(job, interrupted=interrupted, pressure=pressure, behind=behind)
        if row := self.held(job):
            row.interruptions += interrupted
            row.pressure_stops += pressure
            if behind or (interrupted and row.interruptions % PATIENT == 0):
                row.rank = max([row.rank, *(r.rank for r in self.queued())]) + 1
            row.state, row.stem = State.QUEUED, None

    @rule(job=handles, death=st.booleans(), attempts=st.integers(1, 4))
    def record_failure(self, job: Job, death: bool, attempts: int) -> None:
        if job.id not in self.rows:
            return
        row = self.held(job)
        if row:
            row.attempts, row.deaths, row.interruptions = row.attempts + 1, row.deaths + death, 0
            row.rank = max((r.rank for r in self.queued()), default=0) + 1
            row.reason = Reason.ENGINE_CRASH
            row.state = State.REJECTED if row.attempts >= attempts or row.deaths >= 2 else State.QUEUED
        state = self.journal.record_failure(job, Reason.ENGINE_CRASH, "died", death=death, attempts=attempts)
        assert state is self.rows[job.id].state

    @rule(job=handles)
    def reject(self, job: Job) -> None:
        self.journal.reject(job, Reason.DAMAGED, "damaged")
        if row := self.held(job):
            row.state, row.reason = State.REJECTED, Reason.DAMAGED

    @rule(job=handles, outputs=st.lists(PATHS, unique=True, max_size=2))
    def written(self, job: Job, outputs: list[bytes]) -> None:
        self.journal.written(job, outputs, 1.0)
        if row := self.held(job):
            row.state, row.outputs, row.reason = State.WRITTEN, tuple(outputs), None

    @rule(job=handles, place=PATHS)
    def set_destination(self, job: Job, place: bytes) -> None:
        self.journal.set_destination(job, place)
        row = self.rows.get(job.id)
        if row and row.state in (State.WRITTEN, State.REJECTED):
            row.destination = place

    @rule(job=handles, replaced=st.booleans())
    def finish(self, job: Job, replaced: bool) -> None:
        self.clock += 1
        self.journal.finish(job, self.clock, replaced=replaced)
        row = self.rows.get(job.id)
        if row and row.state in LIVE:
            if replaced and row.state is not State.WRITTEN:
                self.untold.add(row.id)
            failed = State.GONE if replaced else State.FAILED
            row.state = {State.WRITTEN: State.DONE, State.REJECTED: failed}.get(row.state, State.GONE)

    @rule(job=handles)
    def withdraw(self, job: Job) -> None:
        row = self.rows.get(job.id)
        self.journal.withdraw(job)
        if row and row.claim == job.claim and row.state in (State.RUNNING, State.QUEUED):
            del self.rows[job.id]

    @rule()
    def close_and_open(self) -> None:
        self.journal.close()
        self.journal = Journal(self.journal.path)

    @rule()
    def crash(self) -> None:
        """Go on with the files as they lie there now, without any closing."""
        self.lives += 1
        path = os.path.join(self.folder, f"{self.lives}.db")
        for ending in ("", "-wal"):
            if os.path.exists(self.journal.path + ending):
                shutil.copy(self.journal.path + ending, path + ending)
        self.journal.close()
        self.journal = Journal(path)
        assert self.journal.damaged is None

    # -- what always holds

    @invariant()
    def no_job_is_lost_or_made_up(self) -> None:
        found = {job.id: job for state in State for job in self.journal.in_state(state)}
        assert found.keys() == self.rows.keys()
        for number, row in self.rows.items():
            assert {name: getattr(found[number], name) for name in vars(row)} == vars(row)

    @invariant()
    def the_first_by_rank_and_number_is_next(self) -> None:
        job = self.journal.next_queued()
        assert (job.id if job else None) == next((row.id for row in self.queued()), None)

    @invariant()
    def counts_agree(self) -> None:
        states = [row.state for row in self.rows.values() if row.id not in self.untold]
        assert self.journal.counts() == {state: states.count(state) for state in State}

    @invariant()
    def a_path_has_one_live_job_at_most(self) -> None:
        live = [row.path for row in self.rows.values() if row.state in LIVE]
        assert len(live) == len(set(live))
        assert self.journal.known(sorted(set(live))).keys() == set(live)

    @invariant()
    def stems_are_reserved_while_they_are_in_use(self) -> None:
        wanted = [r.stem for r in self.rows.values() if r.state in (State.RUNNING, State.WRITTEN)]
        assert sorted(self.journal.reserved_stems()) == sorted(stem for stem in wanted if stem is not None)

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.folder)


TestJournalModel = JournalModel.TestCase
TestJournalModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
