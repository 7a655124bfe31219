"""The daemon stays within reach of its commands, whatever has become of its settings file and its journal."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left, wait_for

FAULTY = {"unknown key": "modle: 1\n", "empty": "", "no YAML": "a: [", "twice": "model: {}\nmodel: {}\n"}


@pytest.mark.parametrize("saved", FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_saved_file_is_reported_and_keeps_no_command_from_the_daemon(tmp_path: Path, saved: str) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.config.write_text(saved)
        daemon.wait_status(lambda s: s["daemon"]["config_error"], "the fault is told")

        told = json.loads(daemon.run("status", "--json").stdout)
        assert told["daemon"]["running"] and told["daemon"]["config_error"]
        for command in ("pause", "resume", "unload"):
            assert daemon.run(command).returncode == 0
        assert "settings   rejected" in daemon.run("status").stdout


def test_a_faulty_file_without_a_daemon_is_told_by_status_as_well(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.settings["modle"] = {}
    daemon.save()

    result = daemon.run("status", "--json")
    told = json.loads(result.stdout)["daemon"]
    assert (result.returncode, told["running"]) == (0, False)
    assert "modle" in told["config_error"]
    assert daemon.run("check").returncode == 2


@contextmanager
def agent(daemon: Daemon) -> Iterator[subprocess.Popen[str]]:
    """Run *daemon* as launchd does."""
    command = [*daemon.command, "run", "--agent", "--config", str(daemon.config)]
    environment = os.environ | daemon.environment
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_an_agent_that_waits_for_its_settings_answers_and_ends_politely(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.settings["modle"] = {}
    daemon.save()
    with agent(daemon) as process:
        told = daemon.wait_status(lambda s: s["daemon"]["config_error"], "it answers")["daemon"]
        assert (told["running"], told["agent"], told["pid"]) == (True, True, process.pid)
        assert "waiting for valid settings" in daemon.run("status").stdout
        refused = daemon.run("pause")
        assert refused.returncode == 1 and "modle" in refused.stderr.splitlines()[0]

        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_an_agent_whose_state_cannot_be_used_waits_for_as_long_as_it_takes(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (daemon.state / "journal.db").mkdir(parents=True)
    with agent(daemon) as process:
        wait_for(lambda: "waiting for the state" in daemon.log(), "it says what it waits for")
        (daemon.state / "journal.db").rmdir()
        text = picture(daemon.inbox / "scan.png")
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_without_a_daemon_nothing_is_moved_by_faulty_settings(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (daemon.inbox / "bad.png").write_bytes(b"no picture")
    assert daemon.once() == 1
    daemon.settings["folders"]["inbox"] = ["oops"]  # type: ignore[assignment]
    daemon.save()

    result = daemon.run("retry", "--all", HOME=str(tmp_path / "home"))
    assert result.returncode == 2 and "folders.inbox" in result.stderr
    assert left(daemon.failed) == ["bad.png", "bad.png.error.txt"] and not (tmp_path / "home").exists()


def test_one_file_that_cannot_go_back_keeps_no_other_from_it(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    for name in ("one/bad.png", "two/bad.png"):
        (daemon.inbox / name).parent.mkdir()
        (daemon.inbox / name).write_bytes(b"no picture")
    assert daemon.once() == 1
    (daemon.inbox / "one").rmdir()
    (daemon.inbox / "one").write_text("a file where the folder was")

    alone = daemon.run("retry", "--all")
    assert alone.returncode == 1 and alone.stdout == "moved to the inbox: two/bad.png\n"
    assert "one/bad.png stays in the failed folder" in alone.stderr
    with daemon.start():
        beside = daemon.run("retry", "--all")
        assert beside.returncode == 1 and "one/bad.png stays in the failed folder" in beside.stderr


def test_a_damaged_journal_is_no_traceback_for_status(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.state.mkdir()
    (daemon.state / "journal.db").write_bytes(b"no database" * 1000)

    told = json.loads(daemon.run("status", "--json").stdout)
    assert told["daemon"]["running"] is False and told["queue"]["done"] is None


def test_a_journal_of_a_newer_program_is_told_and_left_alone(tmp_path: Path) -> None:
    import sqlite3

    daemon = Daemon(tmp_path)
    assert daemon.once() == 0
    db = sqlite3.connect(daemon.state / "journal.db")
    db.execute("PRAGMA user_version=999")
    db.close()

    for command in (["retry", "--all"], ["run", "--once"]):
        result = daemon.run(*command)
        assert result.returncode == 1
        error, remedy = result.stderr.splitlines()
        assert "999" in error and remedy.startswith("  try: ")


def test_names_reach_a_terminal_without_what_could_drive_it(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    hidden = os.path.join(os.fsencode(tmp_path), b"picture")
    for name in (b"red\x1b[31mX\nY.png", b"l-\xe9.png"):
        picture(Path(os.fsdecode(hidden)), len(name))
        os.rename(hidden, os.path.join(os.fsencode(daemon.inbox), name))
    assert daemon.once() == 0

    shown = daemon.run("status", PYTHONIOENCODING="utf-8:strict").stdout
    assert "\x1b" not in shown and "red\\x1b[31mX\\nY.png" in shown and "l-\\udce9.txt" in shown
