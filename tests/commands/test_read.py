"""`read`: files, folders and standard input; printed, into a folder, or beside; with and without a daemon."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fakes import document, picture
from support.harness import FAKE_DAEMON, REAL_DAEMON, Daemon, left

SAMPLES = Path(__file__).parents[2] / "daemon" / "dropscribe" / "samples"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a running daemon; nothing that is read by command changes anything in it."""
    with Daemon(tmp_path_factory.mktemp("home")).start() as daemon:
        yield daemon


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a folder of pictures in two levels, with what is not to be read, and the texts in order."""
    root = tmp_path / "pictures"
    texts = [picture(root / "a.png", 1), picture(root / "sub" / "a.png", 2)]
    (root / "notes.doc").write_text("no picture")
    picture(root / ".hidden.png", 3)
    picture(root / "@eaDir" / "a.png", 4)
    return root, texts


def test_a_folder_is_read_through_the_daemon(daemon: Daemon, folder: tuple[Path, list[str]]) -> None:
    root, texts = folder
    done = daemon.run("read", str(root))

    assert (done.returncode, done.stdout.split("\n")[:2], done.stderr) == (0, texts, "")
    assert left(root) == ["@eaDir/a.png", "a.png", "notes.doc", "sub/a.png"]


def test_a_folder_is_written_into_another_and_nothing_is_overwritten(
    daemon: Daemon, folder: tuple[Path, list[str]], tmp_path: Path
) -> None:
    root, texts = folder
    target = tmp_path / "texts"
    (root / "a.png").chmod(0o600)
    for _ in range(2):
        done = daemon.run("read", str(root), "-o", str(target))
        assert done.returncode == 0, done.stderr

    assert left(target) == ["a (2).txt", "a.txt", "sub/a (2).txt", "sub/a.txt"]
    assert [(target / name).read_text().strip() for name in ("a.txt", "sub/a.txt")] == texts
    assert not (target / "a.txt").stat().st_mode & 0o077  # as private as its picture
    assert str(target / "sub" / "a (2).txt") in done.stdout.splitlines()


def test_texts_may_lie_beside_their_files(daemon: Daemon, folder: tuple[Path, list[str]]) -> None:
    root, texts = folder
    assert daemon.run("read", str(root), "--format", "md", "-o").returncode == 0

    assert {"a.md", "sub/a.md"} <= set(left(root)) and texts[1] in (root / "sub" / "a.md").read_text()


@pytest.mark.parametrize("form", ["txt", "md", "json", "hocr", "alto", "pdf"])
def test_every_format_can_be_had(daemon: Daemon, tmp_path: Path, form: str) -> None:
    texts = document(tmp_path / "two.tiff", 2)
    command = [*FAKE_DAEMON, "read", str(tmp_path / "two.tiff"), "--format", form, "--config", str(daemon.config)]
    done = subprocess.run(command, env=os.environ | daemon.environment, capture_output=True, check=True)

    assert done.stdout.startswith(b"%PDF") if form == "pdf" else texts[1].split()[2].encode() in done.stdout


def test_a_prompt_of_its_own_reaches_the_engine_and_is_another_reading(daemon: Daemon, tmp_path: Path) -> None:
    text = picture(tmp_path / "scan.png")
    asked = [daemon.run("read", str(tmp_path / "scan.png"), *more).stdout.strip() for more in
             ([], ["--prompt", "Name the total."], [])]  # fmt: skip

    assert asked == [text, f"{text} Name the total.", text]


@pytest.mark.slow
def test_without_a_daemon_a_folder_is_read_by_the_command_itself(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home", REAL_DAEMON)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.png").write_bytes((SAMPLES / "letter.png").read_bytes())
    done = daemon.run("read", str(tmp_path / "in"), "--format", "json", "-o", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "letter.json").read_text())["schema"] == "dropscribe/1"


@pytest.mark.parametrize(
    ("words", "told"),
    [(["{empty}"], "there is no picture and no PDF in"), (["-", "-o"], "standard input lies beside nothing"),
     (["x.png", "--format", "docx"], "invalid choice")],
)  # fmt: skip
def test_what_cannot_be_is_wrong_usage(daemon: Daemon, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "empty").mkdir()
    done = daemon.run("read", *(word.format(empty=tmp_path / "empty") for word in words))

    assert done.returncode == 2 and told in done.stderr
