"""One line an event, for the owner's eyes only, and bounded."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropscribe import log
from dropscribe.log import LOG


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Start logging into a folder of its own; put everything back afterwards."""
    watching = logging.getLogger("watchdog")
    before = [(logger, list(logger.handlers), logger.propagate, logger.level) for logger in (LOG, watching)]

    def start(level: str = "info", form: str = "text", folder: str = "logs", *, to_terminal: bool = False) -> Path:
        log.start(str(tmp_path / folder), level, form, to_terminal=to_terminal)
        return Path(log.path(str(tmp_path / folder)))

    yield start
    for handler in LOG.handlers:
        handler.close()
    for logger, handlers, propagate, number in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(number)


def test_an_event_is_one_line_whatever_it_holds(begin: Callable[..., Path]) -> None:
    file = begin()

    LOG.info("%s: read", "a\nb\r\x1b[31m\u2028\udcff\0 ä 日.png")
    LOG.warning("second")

    first, second = file.read_text("utf-8").split("\n")[:-1]
    assert first[20:] == "info    a\\nb\\r\\x1b[31m\\u2028\\udcff\\x00 ä 日.png: read"
    assert second[20:] == "warning second"


def test_a_fault_of_the_program_is_one_line_with_its_traceback(begin: Callable[..., Path]) -> None:
    file = begin()
    try:
        raise ValueError("two\nlines")
    except ValueError:
        LOG.exception("broken")

    (line,) = file.read_text("utf-8").splitlines()
    assert "error   broken | Traceback" in line and "ValueError: two\\nlines" in line


def test_json_lines_can_be_read_back(begin: Callable[..., Path]) -> None:
    file = begin(form="json")

    LOG.error("a\nb %s", 'ä\udcff"')

    (line,) = file.read_text("utf-8").splitlines()
    values = json.loads(line)
    assert (values["level"], values["message"]) == ("error", 'a\\nb ä\\udcff"')
    assert isinstance(values["time"], float)


@pytest.mark.parametrize("level, kept", [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lower_levels_are_left_out(begin: Callable[..., Path], level: str, kept: int) -> None:
    file = begin(level)

    for speak in (LOG.debug, LOG.info, LOG.warning, LOG.error):
        speak("x")

    assert len(file.read_text().splitlines()) == kept


def test_only_the_owner_may_read_even_after_turning_over(begin: Callable[..., Path]) -> None:
    old = os.umask(0)
    try:
        file = begin()
        for _ in range(9):
            LOG.info("x" * (log.LARGEST // 4))
    finally:
        os.umask(old)

    modes = {p.name: os.stat(p).st_mode & 0o777 for p in file.parent.iterdir()}
    assert modes == {"dropscribe.log": 0o600, "dropscribe.log.1": 0o600, "dropscribe.log.2": 0o600}
    assert os.stat(file.parent).st_mode & 0o777 == 0o700


def test_the_log_is_bounded_and_keeps_the_newest(begin: Callable[..., Path]) -> None:
    file = begin()
    for number in range((log.KEPT + 3) * 2):
        LOG.info("%d %s", number, "x" * (log.LARGEST // 2 + 1))

    sizes = [p.stat().st_size for p in file.parent.iterdir()]
    assert len(sizes) == log.KEPT + 1
    assert max(sizes) <= log.LARGEST
    assert f" {(log.KEPT + 3) * 2 - 1} x" in file.read_text()[:60]


def test_a_later_start_goes_on_in_the_same_file(begin: Callable[..., Path]) -> None:
    file = begin()
    LOG.info("one")
    LOG.handlers[0].close()

    begin()
    LOG.info("two")

    assert [line[28:] for line in file.read_text().splitlines()] == ["one", "two"]


def test_a_folder_that_cannot_be_written_is_told_and_not_fatal(
    begin: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")

    begin(folder="file")
    LOG.info("goes on")

    error = capsys.readouterr().err
    assert error.startswith("warning: log folder ") and str(tmp_path / "file") in error
    assert error.splitlines()[-1].endswith("info    goes on")


def test_the_terminal_gets_the_same_lines_only_in_the_foreground(
    begin: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    begin(to_terminal=True)
    LOG.info("seen")
    for handler in LOG.handlers:
        handler.close()
    begin(folder="other")
    LOG.info("not seen")

    assert capsys.readouterr().err[20:] == "info    seen\n"


def test_the_watching_library_is_heard_only_when_it_breaks(begin: Callable[..., Path]) -> None:
    file = begin()

    logging.getLogger("watchdog.observers").warning("a race at shutdown")
    logging.getLogger("watchdog.observers").error("broken")

    assert [line[28:] for line in file.read_text().splitlines()] == ["broken"]


def test_starting_anew_closes_what_was_open(begin: Callable[..., Path]) -> None:
    begin()
    (first,) = LOG.handlers
    assert isinstance(first, logging.FileHandler)
    stream = first.stream

    begin(folder="other")

    try:
        assert stream is None or stream.closed
    finally:
        first.close()


if sys.platform == "linux":

    def test_a_full_disk_does_not_stop_the_daemon(
        begin: Callable[..., Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        import resource

        file = begin()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            LOG.info("lost")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        LOG.info("goes on")
        assert file.read_text().endswith("goes on\n")
