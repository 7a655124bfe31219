"""The whole of it with nothing false: the real command, the real worker, the embedded engine, real pictures."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from support.fakes import picture
from support.harness import REAL_DAEMON, Daemon, left

SAMPLES = Path(str(files("dropscribe") / "samples"))


def test_the_demo_shows_texts_the_failure_and_the_memory_coming_back() -> None:
    result = subprocess.run([*REAL_DAEMON, "demo"], capture_output=True, text=True, timeout=110, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    for expected in (
        "会议通知",
        "Harbour Street Bakery",
        "reason: truncated",
        "Unloaded (idle)",
        "The daemon itself uses",
    ):
        assert expected in result.stdout
    left_column, right_column = result.stdout.index("weather into a log book"), result.stdout.index("Today the lamp")
    assert left_column < right_column


@pytest.mark.timeout(120)
def test_every_format_of_a_real_page_is_written_and_valid(tmp_path: Path) -> None:
    formats = ["txt", "md", "json", "hocr", "alto", "pdf"]
    daemon = Daemon(tmp_path, REAL_DAEMON, output={"formats": formats})
    (daemon.inbox / "letter.png").write_bytes((SAMPLES / "letter.png").read_bytes())

    assert daemon.once(deadline=100) == 0
    assert left(daemon.outbox) == sorted(f"letter{e}" for e in (".txt", ".md", ".json", ".hocr", ".alto.xml", ".pdf"))
    document = json.loads((daemon.outbox / "letter.json").read_text())
    schema = json.loads((files("dropscribe.formats") / "dropscribe-1.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["engine"]["name"] == "rapidocr" and document["review"] is False
    assert "rye loaves" in (daemon.outbox / "letter.txt").read_text()

    import pypdfium2

    with pypdfium2.PdfDocument(daemon.outbox / "letter.pdf") as pdf:
        text = pdf[0].get_textpage().get_text_bounded()
    assert "rye loaves" in text


@pytest.mark.timeout(120)
def test_read_alone_prints_files_and_standard_input(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, REAL_DAEMON)
    command = [*REAL_DAEMON, "read", "-", str(SAMPLES / "damaged.png"), "--config", str(daemon.config)]
    with open(SAMPLES / "letter.png", "rb") as picture:
        result = subprocess.run(command, stdin=picture, capture_output=True, text=True, timeout=100, check=False)

    assert result.returncode == 1
    assert "Harbour Street Bakery" in result.stdout
    error, remedy = result.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: ") and "truncated" in error and remedy.startswith("  try: ")


def test_the_commands_of_the_readme_exist() -> None:
    import re

    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    named = set(re.findall(r"dropscribe ([a-z]+)", text)) | set(
        re.findall(r"`([a-z]+)`", text.split("There are also")[1].split(";")[0])
    )
    helped = subprocess.run(
        [sys.executable, "-m", "dropscribe", "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^    ([a-z]+)", helped, re.M))

    assert named <= known | {"package"}
    assert len(named) >= 12


def test_wrong_use_is_told_in_two_lines_with_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("intake: {stable_for: soon}\nfolders: {outbx: /x}\n")
    result = subprocess.run(
        [*REAL_DAEMON, "check", "--config", str(config)], capture_output=True, text=True, check=False
    )

    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: config.yaml: intake.stable_for: must look like") and "(got 'soon')" in lines[0]
    assert lines[1] == "  try: correct it, or remove the line to use 2s"
    assert lines[2].startswith("error: config.yaml: folders.outbx: unknown key")
    assert lines[3] == '  try: did you mean "outbox"?'


@pytest.mark.parametrize("words", [["bogus"], ["qqqqq"], ["status", "--bogus"], ["read"], []])
def test_wrong_words_are_told_in_two_lines_too(words: list[str]) -> None:
    result = subprocess.run([*REAL_DAEMON, *words], capture_output=True, text=True, check=False)

    assert result.returncode == 2
    error, remedy = result.stderr.splitlines()
    assert error.startswith("error: ") and remedy.startswith("  try: dropscribe ")


def test_a_model_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    config, wanted = tmp_path / "config.yaml", tmp_path / "picture.png"
    picture(wanted)
    config.write_text(f"engine: {{name: deepseek-ocr, model: {tmp_path}/none}}\nfolders: {{state: {tmp_path}/state}}\n")
    result = subprocess.run(
        [*REAL_DAEMON, "read", str(wanted), "--config", str(config)], capture_output=True, text=True, check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip

    assert result.returncode == 1
    error, remedy = result.stderr.splitlines()[-2:]
    assert error.startswith("error: read: ") and "none" in error and remedy.startswith("  try: ")
