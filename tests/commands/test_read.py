"""`read`: files, folders and standard input; printed, into a folder, or beside; with and without a daemon."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropscribe import config
from dropscribe.commands import read_checks
from dropscribe.commands.read import _remedy
from dropscribe.core.errors import Reason
from dropscribe.core.pages import Check, PageText
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
    picture(tmp_path / "elsewhere.png", 5)
    (root / "link.png").symlink_to(tmp_path / "elsewhere.png")
    return root, texts


def test_a_folder_is_read_through_the_daemon(daemon: Daemon, folder: tuple[Path, list[str]]) -> None:
    root, texts = folder
    done = daemon.run("read", str(root))

    names = [f"==> {root}/{name} <==" for name in ("a.png", "sub/a.png")]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{names[0]}\n{texts[0]}\n\n{names[1]}\n{texts[1]}\n"
    assert left(root) == ["@eaDir/a.png", "a.png", "link.png", "notes.doc", "sub/a.png"]


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
     (["x.png", "--format", "docx"], "invalid choice"), (["x.png", "-o", "{file}"], "and {file} is a file"),
     (["x.png", "-o", "{file}/sub"], "and {file} is a file"), (["a", "b", "--format", "pdf"], "2 files in pdf cannot"),
     (["a", "b", "--format", "hocr"], "write them into a folder"),
     (["x.png", "--recipe", "foo"], "try: leave --recipe out: config.yaml has no recipes")],
)  # fmt: skip
def test_what_cannot_be_is_wrong_usage(daemon: Daemon, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "empty").mkdir()
    places = {"empty": tmp_path / "empty", "file": tmp_path / "file"}
    places["file"].touch()
    done = daemon.run("read", *(word.format(**places) for word in words))

    assert done.returncode == 2 and told.format(**places) in done.stderr
    assert "no such file" not in done.stderr, "it is refused before anything is read"


def test_json_documents_follow_one_another_without_titles(daemon: Daemon, folder: tuple[Path, list[str]]) -> None:
    rest, found = daemon.run("read", str(folder[0]), "--format", "json").stdout, []
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        found, rest = [*found, document["source"]["name"]], rest[end:].lstrip()

    assert found == ["a.png", "a.png"]


def test_a_title_is_only_above_a_text_that_is_there_and_one_file_has_none(daemon: Daemon, tmp_path: Path) -> None:
    text = picture(tmp_path / "a.png")
    alone = daemon.run("read", str(tmp_path / "a.png"))
    beside = daemon.run("read", "nowhere.png", str(tmp_path / "a.png"))

    assert alone.stdout == f"{text}\n"
    assert (beside.returncode, beside.stdout) == (1, f"==> {tmp_path}/a.png <==\n{text}\n")
    assert beside.stderr == "error: nowhere.png: no such file\n  try: check the path\n"


def test_what_is_told_of_a_file_fits_one_that_is_in_no_queue(daemon: Daemon, tmp_path: Path) -> None:
    command = [*daemon.command, "read", "-", "--config", str(daemon.config)]
    done = subprocess.run(command, input="notes\n" * 99, capture_output=True, text=True, check=False)

    assert done.returncode == 1 and done.stderr.startswith("error: standard input: This is plain text"), done.stderr
    assert done.stderr.endswith("try: convert it to PNG, JPEG, TIFF or PDF\n")
    told = {reason: _remedy(reason) for reason in Reason}
    assert not [text for text in told.values() if "retry" in text or "drop" in text.replace("dropscribe", "")]
    assert not [text for text in told.values() if "queue" in text]


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a folder in which nobody can make another")
def test_a_folder_that_cannot_be_made_is_told_without_numbers_and_bytes(daemon: Daemon, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    done = daemon.run("read", str(tmp_path / "a.png"), "-o", "/proc/foo")

    assert "its text cannot be written (No such file or directory)\n" in done.stderr, done.stderr


def test_a_check_tells_why_there_is_none(daemon: Daemon, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    told = daemon.run("read", "--check", str(tmp_path / "a.png")).stderr

    assert "a.png: not cross-checked: page 1 (rapidocr is the only reader; " in told


@pytest.mark.parametrize(
    ("page", "engine", "values", "told"),
    [
        ({"text_source": "pdf"}, "remote", {}, "its text is the PDF's own"),
        ({"text_source": "blank"}, "remote", {}, "it is blank"),
        ({}, "rapidocr", {}, "rapidocr is the only reader"),
        ({}, "remote", {"cross_check": "off"}, "engine.cross_check is off"),
        ({}, "remote", {"prompt": "describe"}, "the prompt asks for something else"),
        ({"check": Check(None, None)}, "remote", {}, "the second reader cannot judge it"),
    ],
)
def test_each_reason_for_a_page_without_a_check(
    page: dict[str, Any], engine: str, values: dict[str, str], told: str
) -> None:
    text = PageText(number=1, width=9, height=9, text="", markdown="", **page)
    settings = config.checked({"engine": values}, "test").engine

    assert told in read_checks._reason(text, engine, settings, settings.prompt)
