"""Files that kill, hang or bloat the process that decodes them: each pays for itself, and nothing is left behind."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.worker.decoder import Decoders, DocumentProcess, UnreadError
from support import fakes, harmful
from support.children import Children
from support.harness import gone, wait_for

Open = Callable[[Path], DocumentProcess]
QUICK = checked({"intake": {"decode_timeout": "2s", "max_pixels": 2_000_000, "max_pages": 3}}, "test")


class Room:
    """Decoders with short limits, and the documents that were opened."""

    def __init__(self, settings: Settings = QUICK) -> None:
        self.decoders, self.settings = Decoders(), settings
        self.documents: list[DocumentProcess] = []

    def start(self, path: Path) -> DocumentProcess:
        """Start the decoder of a file."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self.documents.append(self.decoders.start(descriptor, path.name, self.settings))
        finally:
            os.close(descriptor)
        return self.documents[-1]

    def open(self, path: Path) -> DocumentProcess:
        """Open a file."""
        document = self.start(path)
        document.open(os.fsencode(path))
        return document

    def close(self) -> None:
        """Let all go."""
        for document in self.documents:
            document.close()
        self.decoders.close()


@pytest.fixture
def room() -> Iterator[Room]:
    with closing(Room()) as found:
        yield found


def decoders() -> list[psutil.Process]:
    """Return the helper of this very process, and the processes of documents below it; not those of daemons."""
    found = []
    for helper in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if "dropscribe.worker.decoding" in helper.cmdline():
                found += [helper, *helper.children()]
    return found


def forked() -> list[psutil.Process]:
    """Return the processes of documents."""
    return [p for p in decoders() if p.ppid() != os.getpid() and p.status() != psutil.STATUS_ZOMBIE]


def only() -> psutil.Process:
    """Return the process of the only document."""
    (process,) = forked()
    return process


def test_pages_come_through_as_they_are(room: Room, tmp_path: Path) -> None:
    texts = fakes.document(tmp_path / "a.tif", 3)
    document = room.open(tmp_path / "a.tif")
    assert (document.media_type, document.count) == ("image/tiff", 3)
    pages = [document.next_page(frozenset(), 7) for _ in range(3)]

    assert [page.key for page in pages] == [(7, 1), (7, 2), (7, 3)]
    assert [fakes.fingerprint(page.image) for page in pages] == texts


def test_pages_that_are_kept_are_not_decoded(room: Room, tmp_path: Path) -> None:
    fakes.document(tmp_path / "a.tif", 3)
    document = room.open(tmp_path / "a.tif")

    assert document.next_page(frozenset({1, 2}), 1).number == 3


def test_more_pages_than_allowed_are_refused_when_the_file_is_opened(room: Room, tmp_path: Path) -> None:
    fakes.document(tmp_path / "a.tif", 4)
    with pytest.raises(ReasonedError) as caught:
        room.open(tmp_path / "a.tif")
    assert caught.value.reason is Reason.TOO_MANY_PAGES


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (harmful.endless, {Reason.DECODE_TIMEOUT}),
        # PDFium ends its process where memory is refused; slower machines meet the limit of time first.
        (harmful.bloated, {Reason.DECODE_MEMORY, Reason.DECODE_TIMEOUT}),
    ],
)
def test_a_harmful_file_fails_within_its_limits_and_the_next_is_read(
    room: Room, tmp_path: Path, make: Callable[[Path], None], reasons: set[Reason]
) -> None:
    make(tmp_path / "harmful.pdf")
    text = fakes.picture(tmp_path / "next.png")
    document = room.open(tmp_path / "harmful.pdf")
    with pytest.raises(ReasonedError) as caught:
        document.next_page(frozenset(), 1)

    assert caught.value.reason in reasons
    assert fakes.fingerprint(room.open(tmp_path / "next.png").next_page(frozenset(), 2).image) == text
    wait_for(lambda: len(forked()) == 1, "the decoder of the harmful file is gone")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, Reason.DECODE_MEMORY),  # by the system when it runs out of memory; nobody else does
        (signal.SIGABRT, Reason.DECODE_MEMORY),
        (signal.SIGSEGV, Reason.DAMAGED),
        (signal.SIGSYS, Reason.DAMAGED),
    ],
)
def test_a_decoder_that_dies_is_held_against_its_file_only(
    room: Room, tmp_path: Path, number: signal.Signals, reason: Reason
) -> None:
    fakes.picture(tmp_path / "a.png")
    document = room.open(tmp_path / "a.png")
    only().send_signal(number)
    text = fakes.picture(tmp_path / "b.png", 2)
    other = room.open(tmp_path / "b.png")
    with pytest.raises(ReasonedError, match=r"a\.png") as caught:
        document.next_page(frozenset(), 1)

    assert caught.value.reason is reason and not isinstance(caught.value, UnreadError)
    assert fakes.fingerprint(other.next_page(frozenset(), 2).image) == text


def test_a_decoder_that_stands_still_is_ended_at_its_limit(room: Room, tmp_path: Path) -> None:
    fakes.picture(tmp_path / "a.png")
    document = room.open(tmp_path / "a.png")
    process = only()
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(ReasonedError, match=r"intake\.decode_timeout") as caught:
        document.next_page(frozenset(), 1)

    assert caught.value.reason is Reason.DECODE_TIMEOUT
    wait_for(lambda: not forked(), "it is gone")


@pytest.mark.skipif(not os.path.exists("/proc"), reason="decoders have a common parent on Linux only")
def test_the_end_of_the_decoders_parent_is_held_against_no_file(room: Room, tmp_path: Path) -> None:
    text = fakes.picture(tmp_path / "a.png")
    document = room.open(tmp_path / "a.png")
    (helper,) = [p for p in decoders() if p.ppid() == os.getpid()]
    decoder = only()
    helper.kill()
    wait_for(lambda: gone(decoder.pid), "the decoder goes with it")
    with pytest.raises(UnreadError):
        document.next_page(frozenset(), 1)

    assert fakes.fingerprint(room.open(tmp_path / "a.png").next_page(frozenset(), 1).image) == text


@pytest.mark.skipif(not os.path.exists("/proc"), reason="decoders have a common parent on Linux only")
def test_a_helper_that_dies_before_it_saw_the_file_is_held_against_no_file(room: Room, tmp_path: Path) -> None:
    fakes.picture(tmp_path / "a.png")
    room.open(tmp_path / "a.png").close()
    (helper,) = [p for p in decoders() if p.ppid() == os.getpid()]
    helper.suspend()
    document = room.start(tmp_path / "a.png")
    helper.kill()
    with pytest.raises(ReasonedError, match="died before it saw one") as caught:
        document.open(b"a.png")

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE


def test_two_hundred_files_leave_no_descriptor_no_process_and_no_folder(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it keeps its answer
    fakes.picture(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    room.open(tmp_path / "a.png").close()
    before = psutil.Process().num_fds()
    for _ in range(100):
        document = room.open(tmp_path / "a.png")
        document.next_page(frozenset(), 1)
        document.close()
        with pytest.raises(ReasonedError):
            room.open(tmp_path / "broken.png")
        room.documents.pop().close()

    assert psutil.Process().num_fds() == before
    wait_for(lambda: not forked(), "no decoder is left")
    assert not list(temporary.iterdir())


def test_nothing_of_decoders_outlives_them(tmp_path: Path) -> None:
    children = Children()
    fakes.picture(tmp_path / "a.png")
    with closing(Room()) as room:
        room.open(tmp_path / "a.png").next_page(frozenset(), 1)
        processes = decoders()
        assert len(processes) >= 2
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes), "all are gone")
    assert children.pids == []


def test_a_picture_of_other_sizes_after_each_other_comes_through_one_memory(room: Room, tmp_path: Path) -> None:
    images = [
        Image.new("RGB", size, colour) for size, colour in (((90, 10), "red"), ((3, 4), "blue"), ((700, 900), "red"))
    ]
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:])
    document = room.open(tmp_path / "a.tif")

    assert [document.next_page(frozenset(), 1).image.size for _ in range(3)] == [(90, 10), (3, 4), (700, 900)]
