"""The words of the command line: misspelt, asked for help, with a settings file that is not there."""

import json
import subprocess
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)


@pytest.mark.parametrize(
    ("word", "nearest"), [("staus", "status"), ("unlaod", "unload"), ("Doctor", "doctor"), ("stat", "status")]
)
def test_a_misspelt_command_is_answered_with_the_nearest(daemon: Daemon, word: str, nearest: str) -> None:
    done = daemon.run(word)

    assert done.returncode == 2
    assert done.stderr == f'error: dropscribe: there is no command "{word}"\n  try: dropscribe {nearest}\n'


def test_a_word_that_is_near_to_none_is_answered_with_help(daemon: Daemon) -> None:
    assert "try: dropscribe help" in daemon.run("xylophone").stderr


@pytest.mark.parametrize(
    ("words", "told", "remedy"),
    [
        ("read --formt md", "read: there is no option --formt", "--format, or: dropscribe read --help"),
        ("status --wach=1", "status: there is no option --wach", "--watch, or: dropscribe status --help"),
        ("status --xylophone", "status: there is no option --xylophone", "dropscribe status --help"),
        ("pause now", "pause: does not know what to do with now", "dropscribe pause --help"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_nearest_of_its_command(
    daemon: Daemon, words: str, told: str, remedy: str
) -> None:
    done = daemon.run(*words.split(), *(["x.png"] if words.startswith("read") else []))

    assert (done.returncode, done.stderr) == (2, f"error: {told}\n  try: {remedy}\n")


@pytest.mark.parametrize("words", ["logs -n -5", "logs -n few", "web --port 65536", "web --port -1"])
def test_a_number_out_of_range_is_refused_as_any_wrong_word(daemon: Daemon, words: str) -> None:
    done = daemon.run(*words.split())

    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2, done.stderr
    assert "must be a whole number, 0 " in done.stderr


def test_the_settings_file_may_be_named_before_the_command(daemon: Daemon) -> None:
    for words in (["--config", str(daemon.config)], [f"--config={daemon.config}"]):
        done = subprocess.run([*daemon.command, *words, "check"], capture_output=True, text=True, check=False)

        assert done.returncode == 0 and str(daemon.inbox) in done.stdout, done.stderr


def test_status_names_the_settings_file_by_its_whole_path(daemon: Daemon) -> None:
    command = [*daemon.command, "status", "--json", "--config", daemon.config.name]
    done = subprocess.run(command, cwd=daemon.root, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["daemon"]["config"] == str(daemon.config)


def test_help_lists_the_commands_and_explains_each(daemon: Daemon) -> None:
    assert "retry" in daemon.run("help").stdout
    assert "--prompt" in daemon.run("help", "read").stdout
    assert "try: dropscribe read" in daemon.run("help", "raed").stderr


@pytest.mark.parametrize("command", ["status", "check", "logs", "pause", "unload", "retry --all", "read x", "run"])
def test_a_settings_file_that_is_named_and_not_there_is_an_error(daemon: Daemon, command: str) -> None:
    daemon.config.unlink()
    done = daemon.run(*command.split())

    assert done.returncode == 2 and str(daemon.config) in done.stderr and "cannot be read" in done.stderr


def test_a_daemon_whose_settings_file_was_removed_can_still_be_asked(daemon: Daemon) -> None:
    with daemon.start():
        daemon.config.unlink()

        assert "running" in daemon.run("status").stdout


def test_retry_before_the_first_start_has_nothing_to_do(daemon: Daemon) -> None:
    daemon.inbox.rmdir()
    done = daemon.run("retry", "--all")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing to retry\n")


@pytest.mark.parametrize("beside_a_daemon", [True, False])
def test_a_retried_failure_is_no_longer_counted_as_failed(daemon: Daemon, beside_a_daemon: bool) -> None:
    (daemon.inbox / "broken.png").write_bytes(b"no picture")
    assert daemon.once() == 1
    if beside_a_daemon:
        with daemon.start():
            daemon.ask("pause")
            assert daemon.run("retry", "--all").stdout == "moved to the inbox: broken.png\n"
            assert daemon.status()["queue"]["failed"] == 0
    else:
        assert daemon.run("retry", "--all").stdout == "moved to the inbox: broken.png\n"
        assert "failed" not in daemon.run("status").stdout
    assert left(daemon.failed) == []


def test_unload_with_files_queued_says_what_will_happen(daemon: Daemon) -> None:
    daemon.fake(read_seconds=2)
    with daemon.start():
        for number in range(3):
            picture(daemon.inbox / f"{number}.png", number)
        daemon.wait_status(lambda s: s["current"], "reading has begun")
        told = daemon.run("unload").stdout
        daemon.ask("pause")

    assert told.startswith("Unloading after the current page.\n3 files are still to be read: the model is loaded again")
    assert told.endswith("dropscribe pause\n")


def test_a_pause_and_its_end_are_told_and_logged_once(daemon: Daemon) -> None:
    with daemon.start():
        told = [daemon.run(word).stdout for word in ("resume", "pause", "pause", "resume", "resume")]
        log = daemon.log()

    assert told == [
        "Nothing was paused by command.\n",
        "Paused. New files are queued; continue with: dropscribe resume\n",
        "It was paused already. New files are queued; continue with: dropscribe resume\n",
        "Resumed.\n",
        "Nothing was paused by command.\n",
    ]
    assert (log.count("the queue is paused by command"), log.count("the queue is resumed by command")) == (1, 1)


def test_a_pause_of_the_queue_s_own_is_told_by_resume(daemon: Daemon) -> None:
    with daemon.start():
        daemon.outbox.rmdir()
        daemon.outbox.write_text("a file in its place")
        picture(daemon.inbox / "a.png")
        daemon.wait_status(lambda s: s["queue"]["paused"], "the outbox is missed")

        assert daemon.run("resume").stdout.startswith(
            "Nothing was paused by command. The queue waits by itself: outbox-missing"
        )


@pytest.mark.parametrize("action", ["pull", "remove"])
def test_the_embedded_model_is_neither_downloaded_nor_removed(daemon: Daemon, action: str) -> None:
    done = daemon.run("models", action, "rapidocr")

    assert done.returncode == 2 and "rapidocr is part of its package" in done.stderr
