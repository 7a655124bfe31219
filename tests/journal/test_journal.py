"""Every file once: each step of a job's life counts under its own claim only, and survives the daemon."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason
from dropscribe.core.job import Job, Signature, State
from dropscribe.journal.journal import Journal
from support.journal_steps import SIGNATURE, claimed, found


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(str(tmp_path / "journal.db"))
    yield made
    made.close()


def turn(journal: Journal) -> bytes | None:
    job = journal.next_queued()
    return None if job is None else job.path


# -- into the queue


def test_a_file_is_queued_once_however_often_it_is_found(journal: Journal) -> None:
    assert journal.add([found(b"a"), found(b"b"), found(b"a")]) == 2
    assert journal.add([found(b"a", Signature(1, 1, 1, 1)), found(b"c")]) == 1
    assert journal.add([]) == 0
    assert journal.counts()["queued"] == 3
    assert journal.known([b"a", b"x"]) == {b"a": SIGNATURE}
    assert journal.known([]) == {}


@pytest.mark.parametrize("path", [b"\xff\xfe/n\n.png", b"' OR 1 --", b"a\xcc\x88", "ä".encode(), b"x" * 4000])
def test_names_are_kept_byte_for_byte(journal: Journal, path: bytes) -> None:
    job = claimed(journal, path, path + b" stem")
    journal.written(job, [path + b".txt"], 1.0)
    journal.set_destination(job, b"/archive/" + path)

    (kept,) = journal.in_state(State.WRITTEN)
    assert (kept.path, kept.stem, kept.outputs, kept.destination) == (
        path, path + b" stem", (path + b".txt",), b"/archive/" + path,
    )  # fmt: skip
    assert set(journal.wrote(path, path)) == {path + b".txt"}
    assert journal.came_from(b"/archive/" + path).path == path


def test_a_composed_and_a_decomposed_name_are_two_files(journal: Journal) -> None:
    assert journal.add([found("ä".encode()), found(b"a\xcc\x88")]) == 2


def test_a_file_that_will_not_be_read_is_rejected_at_once(journal: Journal) -> None:
    journal.reject_unread([(found(b"a"), Reason.EMPTY, "The file is empty.")])

    (job,) = journal.in_state(State.REJECTED)
    assert (job.path, job.reason, job.detail, job.signature) == (b"a", Reason.EMPTY, "The file is empty.", SIGNATURE)
    assert journal.next_queued() is None


def test_refusing_a_file_unread_does_not_touch_one_being_read(journal: Journal) -> None:
    job = claimed(journal)

    journal.reject_unread([(found(), Reason.EMPTY, "x")])

    assert journal.get(job.id) == job


def test_first_come_first_served(journal: Journal) -> None:
    journal.add([found(b"b"), found(b"a")])
    journal.add([found(b"c")])

    order = []
    while (job := journal.next_queued()) is not None:
        order.append(journal.claim(job, b"s").path)

    assert order == [b"b", b"a", b"c"]


# -- claims


def test_each_claim_has_a_higher_number_and_reserves_its_stem(journal: Journal) -> None:
    first = claimed(journal, stem=b"one")
    assert (first.state, first.claim, journal.reserved_stems()) == (State.RUNNING, 1, [b"one"])

    journal.release(first)
    assert journal.reserved_stems() == []

    again = journal.claim(journal.get(first.id), b"two")
    assert (again.claim, journal.reserved_stems()) == (2, [b"two"])


REPORTS: dict[str, Callable[[Journal, Job], object]] = {
    "release": lambda journal, job: journal.release(job, pressure=True, behind=True),
    "blame": lambda journal, job: journal.record_failure(job, Reason.ENGINE_CRASH, "x", death=True, attempts=1),
    "reject": lambda journal, job: journal.reject(job, Reason.DAMAGED, "x"),
    "withdraw": lambda journal, job: journal.withdraw(job),
    "written": lambda journal, job: journal.written(job, [b"late.txt"], 1.0),
}


LATE = [(r, n) for r in REPORTS for n in ("queued", "claimed anew", "written", "rejected", "done")]
LATE.remove(("withdraw", "queued"))  # a queued job may be withdrawn: its file is simply found again


@pytest.mark.parametrize("report, now", LATE)
def test_a_late_report_changes_nothing(journal: Journal, report: str, now: str) -> None:
    late = claimed(journal)
    journal.release(late)
    if now != "queued":
        job = journal.claim(journal.get(late.id), b"b")
    if now in ("written", "done"):
        journal.written(job, [b"b.txt"], 1.0)
    if now == "rejected":
        journal.reject(job, Reason.EMPTY, "y")
    if now == "done":
        journal.finish(job, 2.0)
    before, counts = journal.get(late.id), journal.counts()

    REPORTS[report](journal, late)

    assert (journal.get(late.id), journal.counts()) == (before, counts)
    assert journal.wrote(b"late", b"late") == {}


def test_only_a_queued_job_can_be_claimed(journal: Journal) -> None:
    job = claimed(journal, stem=b"a")

    again = journal.claim(job, b"other")

    assert (again.claim, again.stem) == (1, b"a")


def test_a_late_report_about_a_withdrawn_job_does_not_hit_the_next(journal: Journal) -> None:
    late = claimed(journal, b"a.png")
    journal.withdraw(late)
    other = claimed(journal, b"b.png")

    journal.reject(late, Reason.DAMAGED, "about a.png")

    assert journal.get(other.id).state is State.RUNNING


def test_a_withdrawn_file_is_new_work_when_it_has_settled_again(journal: Journal) -> None:
    journal.withdraw(claimed(journal))

    assert (journal.live_at(b"a.png"), sum(journal.counts().values())) == (None, 0)
    assert journal.add([found()]) == 1


# -- whose fault


def test_interruptions_cost_no_attempt_and_the_place_only_every_fifth_time(journal: Journal) -> None:
    journal.add([found(b"a"), found(b"b")])
    job = journal.in_state(State.QUEUED)[0]
    for stop in range(1, 5):
        journal.release(journal.claim(job, b"s"))
        assert (turn(journal), journal.get(job.id).interruptions) == (b"a", stop)
        job = journal.get(job.id)

    journal.release(journal.claim(job, b"s"))

    assert turn(journal) == b"b"
    assert (journal.get(job.id).attempts, journal.get(job.id).state) == (0, State.QUEUED)


def test_a_job_put_behind_goes_behind_all_that_wait(journal: Journal) -> None:
    journal.add([found(b"a"), found(b"b"), found(b"c")])
    order = []
    for _ in range(7):
        job = journal.next_queued()
        assert job is not None
        order.append(job.path)
        journal.release(journal.claim(job, b"s"), interrupted=False, behind=True)

    assert order == [b"a", b"b", b"c", b"a", b"b", b"c", b"a"]
    assert all(journal.get(n).interruptions == 0 for n in (1, 2, 3))


def test_a_new_file_comes_before_jobs_that_were_put_behind(journal: Journal) -> None:
    journal.release(claimed(journal, b"long.pdf"), interrupted=False, behind=True)
    journal.add([found(b"short.png")])

    assert turn(journal) == b"short.png"


def test_stops_by_pressure_are_counted_apart(journal: Journal) -> None:
    job = claimed(journal)
    journal.release(job, pressure=True)
    journal.release(journal.claim(job, b"s"), interrupted=False)

    assert (journal.get(job.id).pressure_stops, journal.get(job.id).interruptions) == (1, 1)


@pytest.mark.parametrize("attempts", [1, 2, 3, 10])
def test_attempts_are_bounded(journal: Journal, attempts: int) -> None:
    job = claimed(journal)
    states = []
    for _ in range(attempts):
        states.append(journal.record_failure(job, Reason.ENGINE_TIMEOUT, "too slow", death=False, attempts=attempts))
        job = journal.claim(journal.get(job.id), b"s")

    assert states == [State.QUEUED] * (attempts - 1) + [State.REJECTED]
    assert (job.state, job.attempts, job.reason, job.detail) == (
        State.REJECTED, attempts, Reason.ENGINE_TIMEOUT, "too slow",
    )  # fmt: skip


def test_two_deaths_are_enough_even_with_other_faults_between(journal: Journal) -> None:
    job, states = claimed(journal), []
    for death in (True, False, True):
        states.append(journal.record_failure(job, Reason.ENGINE_CRASH, "x", death=death, attempts=10))
        job = journal.claim(journal.get(job.id), b"s")

    assert states == [State.QUEUED, State.QUEUED, State.REJECTED]
    assert (job.attempts, job.deaths) == (3, 2)


def test_a_blamed_job_goes_behind_and_its_row_of_interruptions_ends(journal: Journal) -> None:
    job = claimed(journal, b"a")
    journal.add([found(b"b")])
    for _ in range(4):
        journal.release(job)
        job = journal.claim(journal.get(job.id), b"s")

    journal.record_failure(job, Reason.ENGINE_ERROR, "x", death=False, attempts=3)

    assert (turn(journal), journal.get(job.id).interruptions) == (b"b", 0)
