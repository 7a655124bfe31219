"""Documents in, outputs out: whom a failing engine blames, and what comes back when it is told to stop."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dropscribe.config import checked
from dropscribe.core import protocol
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Order, Outcome, Signature
from dropscribe.core.pages import Page, PageFailure, PageText
from dropscribe.core.protocol import ToDaemon
from dropscribe.engines.base import PageSource, Signals
from dropscribe.worker.reading import Reading
from dropscribe.worker.scheduler import Scheduler
from support.fakes import FakeEngine, document, picture
from support.harness import wait_for

SETTINGS = checked({}, "test")


class Failing(FakeEngine):
    """Takes so many pages, then raises; the next time it reads."""

    def __init__(self, signals: Signals, takes: int = 0, error: Exception | None = None) -> None:
        super().__init__("rapidocr", SETTINGS, signals)
        self._takes, self._error = takes, error

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        error, self._error = self._error, None
        if error is not None:
            for _ in range(self._takes):
                assert pages.take(wait=True) is not None
            raise error
        yield from super().read(pages)


class Waiting(FakeEngine):
    """Tells when it has a page, and is stopped in the middle of it."""

    def __init__(self, signals: Signals) -> None:
        super().__init__("rapidocr", SETTINGS, signals)
        self.has_page = threading.Event()

    def _read(self, batch: list[Page]) -> Iterator[PageText | PageFailure]:
        if not self.has_page.is_set():
            self.has_page.set()
            self._wait(30)
        yield from super()._read(batch)


class Touching(FakeEngine):
    """Changes the file while it reads its page, and sets the times of the file back."""

    def __init__(self, signals: Signals, path: Path) -> None:
        super().__init__("rapidocr", SETTINGS, signals)
        self._path = path

    def _read(self, batch: list[Page]) -> Iterator[PageText | PageFailure]:
        before = self._path.stat()
        self._path.write_bytes(self._path.read_bytes())
        os.utime(self._path, ns=(before.st_atime_ns, before.st_mtime_ns))
        yield from super()._read(batch)


class Hand:
    """A reading and all that the daemon would hear of it."""

    def __init__(self, root: Path, make: Callable[[Signals], FakeEngine]) -> None:
        self.root, self.heard, signals = root, list[ToDaemon](), Signals()
        self.engine = make(signals)
        (root / "out").mkdir()
        self.reading = Reading(
            self.engine, signals, SETTINGS, str(root / "state"), Scheduler(self.heard.append), self.heard.append
        )

    def add(self, job: int, path: Path, form: str = "txt") -> None:
        """Take a file in hand."""
        staging = bytes(self.root / "out" / ".staging" / str(job))
        settled = Signature.of(path.lstat()) if path.exists() else Signature(1, 1, 1, 1)
        order = Order(job, 1, path.name, bytes(path.relative_to(self.root)), b"out", staging, (form,))
        self.reading.add(replace(order, root=bytes(self.root), signature=settled))

    def pictures(self, *jobs: int) -> dict[int, str]:
        """Take pictures in hand and return their texts."""
        texts = {job: picture(self.root / f"{job}.png", job) for job in jobs}
        for job in jobs:
            self.add(job, self.root / f"{job}.png")
        return texts

    def outcomes(self) -> dict[int, Outcome]:
        """Return how documents ended, by job."""
        return {m.outcome.job: m.outcome for m in self.heard if isinstance(m, protocol.Ended)}

    def ended(self, *jobs: int) -> dict[int, str]:
        """Wait until these jobs have ended; return how."""
        wait_for(lambda: self.outcomes().keys() >= set(jobs), f"{jobs} have ended")
        return {job: outcome.end for job, outcome in self.outcomes().items()}

    def text(self, job: int) -> str:
        """Return what was written for a job."""
        return (self.root / "out" / ".staging" / str(job) / "out.txt").read_text()


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Callable[..., Hand]]:
    """A function that begins a reading with an engine."""
    begun: list[Hand] = []

    def make(engine: Callable[[Signals], FakeEngine] = Failing) -> Hand:
        begun.append(Hand(tmp_path, engine))
        return begun[-1]

    yield make
    for each in begun:
        each.reading.scheduler.hand_back("drained")
        each.reading.close()


def test_several_documents_are_read_and_written(hand: Callable[..., Hand]) -> None:
    desk = hand()
    texts = desk.pictures(1, 2, 3)
    pages = document(desk.root / "4.tif", 5)
    desk.add(4, desk.root / "4.tif")
    desk.reading.read()

    assert set(desk.ended(1, 2, 3, 4).values()) == {"read"}
    assert {job: desk.text(job).strip() for job in texts} == texts
    assert [page.strip() for page in desk.text(4).split("\f")] == pages


def test_a_fault_of_ours_fails_its_file_with_a_sentence_and_the_log_has_where_it_was(hand: Callable[..., Hand]) -> None:
    desk = hand()
    picture(desk.root / "1.png", 1)
    desk.add(1, desk.root / "1.png", "stone")  # a format that nothing can write
    desk.reading.read()

    assert desk.ended(1) == {1: "engine"}
    assert desk.outcomes()[1].detail == "The results could not be written: a fault of this program (KeyError)."
    (told,) = (message.text for message in desk.heard if isinstance(message, protocol.Warned))
    assert told.startswith("1.png: KeyError: 'stone'; at ") and "dropscribe.worker.outputs:" in told


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("it broke"), Reason.ENGINE_ERROR),
        (MemoryError(), Reason.ENGINE_ERROR),
        (ReasonedError(Reason.MODEL_BROKEN, "it is gone"), Reason.MODEL_BROKEN),
    ],
)
def test_an_engine_that_fails_on_one_document_blames_it(
    hand: Callable[..., Hand], error: Exception, reason: Reason
) -> None:
    desk = hand(lambda signals: Failing(signals, 1, error))
    desk.pictures(1, 2)
    desk.reading.read()
    assert desk.ended(1) == {1: reason.kind} and desk.outcomes()[1].reason is reason

    desk.reading.read()
    assert desk.ended(1, 2)[2] == "read"


def test_an_engine_that_fails_on_several_documents_makes_them_suspects_and_no_other(
    hand: Callable[..., Hand],
) -> None:
    desk = hand(lambda signals: Failing(signals, 2, RuntimeError("it broke")))
    desk.pictures(1, 2, 3)
    desk.reading.read()
    assert desk.ended(1, 2) == {1: "suspect", 2: "suspect"}

    desk.reading.read()
    assert desk.ended(3)[3] == "read"


def test_a_reason_of_the_environment_makes_nobody_a_suspect(hand: Callable[..., Hand]) -> None:
    desk = hand(lambda signals: Failing(signals, 2, ReasonedError(Reason.MODEL_BROKEN, "it is gone")))
    desk.pictures(1, 2)
    desk.reading.read()

    assert desk.ended(1, 2) == {1: "environment", 2: "environment"}


def test_an_engine_that_fails_before_any_page_is_no_files_fault(hand: Callable[..., Hand]) -> None:
    desk = hand(lambda signals: Failing(signals, 0, RuntimeError("it is not there")))
    desk.pictures(1, 2)
    desk.reading.read()

    assert desk.ended(1, 2) == {1: "environment", 2: "environment"}
    assert {outcome.reason for outcome in desk.outcomes().values()} == {Reason.ENGINE_UNAVAILABLE}


def test_stopping_hands_everything_back_and_the_next_reading_begins_anew(hand: Callable[..., Hand]) -> None:
    desk = hand(Waiting)
    desk.pictures(1, 2)
    thread = threading.Thread(target=desk.reading.read)
    thread.start()
    assert isinstance(desk.engine, Waiting) and desk.engine.has_page.wait(30)
    desk.reading.stop()
    thread.join(30)
    assert desk.ended(1, 2) == {1: "stopped", 2: "stopped"}

    texts = desk.pictures(3)
    desk.reading.read()
    assert desk.ended(3)[3] == "read" and desk.text(3).strip() == texts[3]


def test_a_file_that_is_none_fails_and_the_others_are_read(hand: Callable[..., Hand]) -> None:
    desk = hand()
    (desk.root / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    desk.add(1, desk.root / "bad.png")
    desk.add(2, desk.root / "missing.png")
    desk.pictures(3)
    desk.reading.read()

    ends = desk.ended(1, 2, 3)
    assert ends == {1: "file", 2: "drained", 3: "read"}


def test_what_cannot_be_written_pauses_the_queue(hand: Callable[..., Hand]) -> None:
    desk = hand()
    desk.pictures(1)
    (desk.root / "out").rmdir()
    desk.reading.read()

    assert desk.ended(1) == {1: "environment"} and desk.outcomes()[1].reason is Reason.DISK_FULL


def test_a_text_is_not_kept_for_a_content_that_changed_while_it_was_read(
    hand: Callable[..., Hand], tmp_path: Path
) -> None:
    """Whoever owns a file can write to it and set its times back; the page cache must not believe them."""
    desk = hand(lambda signals: Touching(signals, tmp_path / "1.png"))
    desk.pictures(1)

    desk.reading.read()

    assert desk.ended(1) == {1: "drained"}
    assert [path.stat().st_size for path in (desk.root / "state" / "pages").glob("*")] == []
