"""Files that harm their decoder, among others, in a whole daemon: the model stays loaded, and nobody else pays."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from support import harmful
from support.fakes import document, fingerprint, picture
from support.harness import Daemon, done, left, wait_for

LIMITS = {"decode_timeout": "3s", "max_pixels": 2_000_000, "max_pages": 8}


def daemon_of(root: Path, **sections: dict[str, Any]) -> Daemon:
    """Return a daemon whose engine reads four pages at once, and counts its loads."""
    return Daemon(root, **sections).counting(width=4, read_seconds=0.05)


def processes_of(daemon: Daemon) -> list[psutil.Process]:
    """Return the worker of a running daemon, its decoders' parent and the decoders, in the order of their start."""
    assert daemon.process is not None
    below = psutil.Process(daemon.process.pid).children(recursive=True)
    return [process for process in below if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def decoders_of(daemon: Daemon) -> list[psutil.Process]:
    """Return the processes of documents."""
    workers = set(daemon.workers())
    return [p for p in processes_of(daemon) if p.pid not in workers and p.ppid() not in workers]


@pytest.mark.parametrize("make", [harmful.endless, harmful.bloated, harmful.packed_metadata])
def test_a_harmful_file_among_twelve_fails_and_the_model_stays(tmp_path: Path, make: Callable[[Path], None]) -> None:
    daemon = daemon_of(tmp_path, intake=LIMITS)
    with daemon.start():
        pid = daemon.read_one("first.png", 99)["model"]["pid"]
        daemon.ask("pause")
        make(daemon.inbox / "harmful.pdf")
        os.mkfifo(daemon.inbox / "pipe.png")
        texts = {f"{n}.txt": picture(daemon.inbox / f"{n}.png", n) for n in range(12)}
        daemon.wait_status(lambda s: s["queue"]["queued"] == 13, "all are queued")
        daemon.ask("resume")
        ended = {"done": 13, "failed": 1, "queued": 0, "running": 0}
        status = daemon.wait_status(lambda s: ended.items() <= s["queue"].items(), "all but the pipe have ended")

        assert (status["model"]["pid"], daemon.starts()) == (pid, 1)
        assert {name: (daemon.outbox / name).read_text().strip() for name in texts} == texts
        assert left(daemon.failed) == ["harmful.pdf", "harmful.pdf.error.txt"]
        note = (daemon.failed / "harmful.pdf.error.txt").read_text()
        assert any(f"reason: {reason}" in note for reason in ("decode-timeout", "decode-memory"))


def test_a_decoder_killed_in_the_middle_of_a_document_costs_that_document_only(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(width=1, read_seconds=0.2)
    with daemon.start():
        document(daemon.inbox / "book.tif", 30)
        daemon.wait_status(lambda s: s["current"] and s["current"]["page"] > 1, "the book is being read")
        (decoder,) = decoders_of(daemon)
        texts = {f"{n}.txt": picture(daemon.inbox / f"{n}.png", n) for n in range(3)}
        decoder.kill()
        status = daemon.wait_status(
            lambda s: s["queue"]["failed"] == 1 and s["queue"]["done"] == 3, "the others are read"
        )

        assert {name: (daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)} == texts
        assert "reason: decode-memory" in (daemon.failed / "book.tif.error.txt").read_text()
        assert daemon.starts() == 1 and status["model"]["state"] in ("warm", "busy")


def test_the_end_of_the_decoders_parent_costs_nobody_anything(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(width=2, read_seconds=0.2)
    with daemon.start():
        texts = document(daemon.inbox / "book.tif", 10)
        daemon.wait_status(lambda s: s["current"] and s["current"]["page"] > 1, "the book is being read")
        workers = set(daemon.workers())
        (parent,) = [p for p in processes_of(daemon) if p.ppid() in workers]
        parent.kill()
        daemon.wait_quiet()

        assert [page.strip() for page in (daemon.outbox / "book.txt").read_text().split("\f")] == texts
        assert daemon.starts() == 1 and left(daemon.failed) == []


def test_more_pages_than_allowed_fail_with_their_reason_among_others(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, intake=LIMITS)
    with daemon.start():
        document(daemon.inbox / "long.tif", 9)
        texts = document(daemon.inbox / "short.tif", 8)
        status = daemon.wait_status(lambda s: s["queue"]["done"] == 1 and s["queue"]["failed"] == 1, "both are over")

        assert (daemon.outbox / "short.txt").read_text().split() == " ".join(texts).split()
        assert "reason: too-many-pages" in (daemon.failed / "long.tif.error.txt").read_text()
        assert status["model"]["pages_read"] == 8


def test_every_format_and_figures_come_out_of_the_decoders(tmp_path: Path) -> None:
    formats = ["txt", "md", "json", "hocr", "alto", "pdf"]
    daemon = daemon_of(tmp_path, output={"formats": formats, "figures": True})
    with daemon.start():
        texts = {f"{n}": picture(daemon.inbox / f"{n}.png", n) for n in range(5)}
        daemon.wait_quiet()

        written = left(daemon.outbox)
        for name, text in texts.items():
            read = json.loads((daemon.outbox / f"{name}.json").read_text())
            assert [page["text"] for page in read["pages"]] == [text]
            assert len([w for w in written if w.startswith(f"{name}.")]) == len(formats)


def test_a_file_that_vanishes_before_it_is_opened_is_gone_and_no_fault(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(width=2, read_seconds=1)
    with daemon.start():
        names = [f"{n}.png" for n in range(3)]
        daemon.ask("pause")
        for number, name in enumerate(names):
            picture(daemon.inbox / name, number)
        daemon.wait_status(lambda s: s["queue"]["queued"] == 3, "all are queued")
        (daemon.inbox / "1.png").unlink()
        daemon.ask("resume")
        daemon.wait_status(done(2), "the others are read")
        daemon.wait_quiet()
        assert left(daemon.outbox) == ["0.txt", "2.txt"] and left(daemon.failed) == []


def test_two_hundred_files_leave_no_descriptor_and_no_process(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(width=4)
    with daemon.start():
        daemon.read_one("warm-up.png", 999)
        processes = processes_of(daemon)
        before = [process.num_fds() for process in processes]
        for number in range(200):
            picture(daemon.inbox / f"{number}.png", number)
        daemon.wait_status(done(201), "all are read", 60)
        wait_for(lambda: len(processes_of(daemon)) == len(processes), "no decoder is left")

        assert [process.pid for process in processes_of(daemon)] == [process.pid for process in processes]
        assert all(now.num_fds() <= then + 2 for now, then in zip(processes, before, strict=True))
    wait_for(lambda: not any(process.is_running() for process in processes), "all ended with the daemon")


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("width", "size", "bound"), [(4, (4000, 3000), 1e9), (32, (1000, 800), 0.6e9)])
def test_the_memory_of_many_documents_in_hand_is_bounded(
    tmp_path: Path, width: int, size: tuple[int, int], bound: float
) -> None:
    """64 pictures: as many are read as there is room for, some wait decoded, and nobody else holds pixels.

    Of 36 MB of pixels each, nine in hand at a time; and small ones, all of them in hand at once, each with a decoder.
    """
    daemon = Daemon(tmp_path).counting(width=width, read_seconds=0.5 if width > 4 else 0.1)
    in_hand = 0
    with daemon.start():
        daemon.read_one("warm-up.png", 999)
        daemon.ask("pause")
        images = []
        for number in range(64):
            image = Image.new("RGB", size, "white")
            image.paste((number, 0, 0), (10, 10, 900, 700))
            image.save(tmp_path / f"{number}.png", compress_level=1)
            (tmp_path / f"{number}.png").rename(daemon.inbox / f"{number}.png")
            images.append(fingerprint(image))
        daemon.wait_status(lambda s: s["queue"]["queued"] == 64, "all are queued")
        highest = 0

        def over(status: dict[str, Any]) -> bool:
            nonlocal highest, in_hand
            total, in_hand = 0, max(in_hand, len(status["active"]))
            for process in processes_of(daemon):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    pass  # it has just ended
            highest = max(highest, total)
            return bool(status["queue"]["done"] == 65)

        daemon.ask("resume")
        daemon.wait_status(over, "all are read", 240)
        assert {(daemon.outbox / f"{n}.txt").read_text().strip() for n in range(64)} == set(images)
        assert in_hand >= 2 * width
        assert highest < bound, highest


def test_a_decoder_that_lacks_a_package_blames_no_file_and_is_tried_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "pi_heif.py"
    broken.parent.mkdir()
    broken.write_text("raise ImportError('libheif is gone')")
    daemon = daemon_of(tmp_path)
    daemon.environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(broken.parent), os.environ.get("PYTHONPATH"))))
    with daemon.start():
        texts = {f"{n}.txt": picture(daemon.inbox / f"{n}.png", n) for n in range(3)}
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue is paused")
        assert status["queue"]["paused_reason"] == (
            "engine-unavailable: No file can be opened (ImportError: libheif is gone)."
        )
        assert "try: run: dropscribe doctor" in daemon.run("doctor").stdout

        shutil.rmtree(broken.parent)
        daemon.wait_status(lambda s: s["queue"]["done"] == 3, "all are read without a restart")
        assert daemon.starts() == 1 and left(daemon.failed) == []
        assert {name: (daemon.outbox / name).read_text().strip() for name in texts} == texts
