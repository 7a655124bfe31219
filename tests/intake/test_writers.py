"""A file that somebody has open for writing, or that a download lies beside, is not whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dropscribe.core.job import Signature
from dropscribe.intake import scan, writers
from dropscribe.intake.ignore import DOWNLOADS, awaited
from dropscribe.intake.scan import FileInfo, Obstacle, Rules

PNG = b"\x89PNG\r\n\x1a\n and more"
needs_lease = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


def look(path: Path) -> FileInfo:
    rules = Rules(device=path.parent.stat().st_dev)
    (found,) = scan.at(os.fsencode(path.parent), [os.fsencode(path.name)], probe=True, rules=rules)
    return found


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    path = tmp_path / "scan.png"
    path.write_bytes(PNG)
    return path


@needs_lease
@pytest.mark.parametrize("mode", ["ab", "r+b", "wb"])
def test_an_open_writer_is_seen_until_it_closes(scanned: Path, mode: str) -> None:
    with open(scanned, mode):
        assert look(scanned).obstacle is Obstacle.WRITER
    assert look(scanned).obstacle is (Obstacle.EMPTY if mode == "wb" else None)


@needs_lease
def test_a_reader_is_no_writer_and_no_look_leaves_a_lease(scanned: Path) -> None:
    with open(scanned, "rb"):
        assert look(scanned).obstacle is None
    with open(os.open(scanned, os.O_WRONLY | os.O_NONBLOCK | os.O_APPEND), "ab"):
        pass  # a lease that is left would refuse this


@needs_lease
def test_another_process_that_opens_it_while_we_look_ends_nobody(scanned: Path) -> None:
    """The system sends a signal to whoever holds a lease that is in the way; by default it kills."""
    code = "import sys\nwhile True:\n open(sys.argv[1], 'r+b').close()"
    with subprocess.Popen([sys.executable, "-c", code, scanned]) as other:
        found = {look(scanned).obstacle for _ in range(3000)}
        other.kill()
    assert found <= {None, Obstacle.WRITER}


def test_where_leases_are_not_asked_for_nobody_is_a_writer(scanned: Path) -> None:
    with open(scanned, "ab"):
        (found,) = scan.at(os.fsencode(scanned.parent), [b"scan.png"], probe=True)
    assert found == FileInfo(b"scan.png", Signature.of(scanned.stat()), probed=True)


def test_what_cannot_be_asked_is_not_known() -> None:
    reading, writing = os.pipe()
    try:
        assert writers.writing(reading) is None
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("ending", [*DOWNLOADS, b".PART"])
def test_a_download_beside_a_file_speaks_of_it_and_of_no_other(tmp_path: Path, ending: bytes) -> None:
    names = ("scan.png", "scan2.png", "scan.pdf")
    for name in names:
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / ("scan.png" + ending.decode())).write_bytes(b"1")

    assert [look(tmp_path / name).obstacle for name in names] == [Obstacle.WRITER, None, None]
    assert awaited(b"sub/scan.png" + ending) == b"sub/scan.png"


@pytest.mark.parametrize(
    "other, content, waits",
    [
        ("scan.pdf.Xy12z.part", b"x", True), ("scan.Xy12z.pdf.part", b"", True), ("scan.Xy12z.pdf.part", b"x", False),
        ("scan.Xy12z.png.part", b"", False), ("scanned.pdf.part", b"", False), ("scan.pdf.txt", b"", False),
        ("other.part", b"", False), ("scan.part", b"x", False),
    ],
)  # fmt: skip
def test_names_of_downloads_under_way(other: str, content: bytes, waits: bool) -> None:
    found = writers.partner(b"scan.pdf", [b"unrelated.png", other.encode()], empty=not content)
    assert (found == other.encode()) is waits and (found is None) is not waits
