"""Faults of the environment: the queue waits, says why, goes on by itself, and no file fails."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.files.ledger import Ledger
from dropscribe.files.outbox import LEAST_ROOM
from support.fakes import document, picture
from support.harness import Daemon, left, wait_for


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of eight megabytes, or skip where mounting is not allowed."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False).returncode
    ):
        pytest.skip("mounting a small file system is not permitted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on *disk*."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


def test_a_full_outbox_pauses_the_queue_and_room_lets_it_go_on(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    daemon.outbox = small_disk
    filler = fill(small_disk)
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert status["queue"]["paused_reason"].startswith("disk-full: ")
        assert status["queue"]["failed"] == 0 and left(daemon.inbox) == ["scan.png"]

        filler.unlink()
        daemon.wait_quiet()
        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        assert not daemon.status()["queue"]["paused"]


def test_a_disk_that_fills_up_while_writing_leaves_no_half_file(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)}, output={"formats": ["txt", "pdf"]})
    daemon.outbox = small_disk
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - 80 * 1024)  # room for a start, not for the picture in the PDF
    with daemon.start():
        noise = picture(daemon.inbox / "noise.png", size=(40, 30))
        from PIL import Image

        Image.frombytes("RGB", (400, 400), os.urandom(480000)).save(daemon.inbox / "big.png")
        daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert all(not name.startswith("big") for name in left(daemon.outbox))

        filler.unlink()
        daemon.wait_quiet()
        assert {"big.pdf", "big.txt", "noise.pdf", "noise.txt"} <= set(left(daemon.outbox))
        assert (daemon.outbox / "noise.txt").read_text().strip() == noise
        assert left(daemon.failed) == []


def test_the_room_that_a_text_takes_itself_does_not_keep_it_from_being_published(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - LEAST_ROOM)  # with the text there is less
    text = picture(daemon.inbox / "scan.png")

    assert daemon.once() == 0
    assert (small_disk / "scan.txt").read_text().strip() == text
    assert sorted(os.listdir(small_disk)) == ["filler", "scan.txt"]


def test_what_a_killed_daemon_left_hidden_goes_at_the_start_also_while_the_disk_is_full(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    daemon.state.mkdir()
    hidden = small_disk / os.fsdecode(Ledger(str(daemon.state)).record(os.fsencode(small_disk), b""))
    hidden.write_bytes(b"x" * 2**15)
    fill(small_disk)
    picture(daemon.inbox / "scan.png")
    with daemon.start():
        daemon.wait_status(lambda s: "disk-full" in (s["queue"]["paused_reason"] or ""), "the queue waits")
        wait_for(lambda: not hidden.exists(), "its room is given back")


def test_a_full_state_disk_pauses_the_queue_and_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"state": str(small_disk)})
    daemon.state = small_disk
    with daemon.start():
        assert daemon.ask("pause")["ok"]
        filler = fill(small_disk)
        texts = {picture(daemon.inbox / f"{n}.png", n) for n in range(40)}
        status = daemon.wait_status(lambda s: s["queue"]["settling"] == 40 and not s["intake"], "all have settled")
        filler.unlink()
        daemon.ask("resume")
        daemon.wait_quiet(60)
        assert status["queue"]["failed"] == 0

        assert {(daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)} == texts


def test_a_vanished_outbox_is_waited_for_and_not_made_anew(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).start()
    with daemon:
        daemon.outbox.rename(tmp_path / "unplugged")
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert status["queue"]["paused_reason"].startswith("outbox-missing: ")
        assert not daemon.outbox.exists()

        (tmp_path / "unplugged").rename(daemon.outbox)
        daemon.wait_quiet()
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_an_outbox_that_is_back_ends_the_wait_also_when_nothing_is_written_any_more(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.outbox.rename(tmp_path / "unplugged")
        (daemon.inbox / "broken.png").write_bytes(b"no picture")
        daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        (tmp_path / "unplugged").rename(daemon.outbox)
        daemon.wait_status(lambda s: s["queue"]["failed"] == 1 and not s["queue"]["paused"], "it goes on")


def test_an_outbox_that_nobody_may_write_fails_no_file(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    daemon.outbox = small_disk
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert status["queue"]["failed"] == 0
        assert str(small_disk) in status["queue"]["paused_reason"] and "b'" not in status["queue"]["paused_reason"]
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        daemon.wait_quiet(60)
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_once_does_not_wait_for_an_inbox_that_is_away_and_says_so(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (daemon.inbox / "bad.png").write_bytes(b"no picture")
    assert daemon.once() == 1
    daemon.inbox.rename(tmp_path / "unmounted")

    assert daemon.once() == 1
    assert not daemon.inbox.exists()
    daemon.failed.mkdir(exist_ok=True)
    for name in ("a.png", "a.png.error.txt"):
        (daemon.failed / name).write_text("failed")
    retried = daemon.run("retry", "--all")
    assert retried.returncode == 2 and retried.stderr.startswith("error: retry: the inbox")


def test_a_renamed_inbox_is_offline_and_nothing_of_it_is_gone(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with daemon.start():
        daemon.ask("pause")
        texts = {picture(daemon.inbox / f"{n}.png", n) for n in range(3)}
        daemon.wait_status(lambda s: s["queue"]["queued"] == 3, "they are queued")
        daemon.inbox.rename(tmp_path / "unmounted")
        daemon.ask("resume")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert status["queue"]["paused_reason"].startswith("inbox-offline: ")
        assert status["queue"]["gone"] == 0

        (tmp_path / "unmounted").rename(daemon.inbox)
        daemon.wait_quiet()
        assert {(daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)} == texts


def test_an_inbox_that_was_away_is_watched_again_without_a_restart(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"rescan_interval": "1h"})
    with daemon.start():
        shutil.rmtree(daemon.inbox)
        daemon.wait_status(lambda s: s["daemon"]["inbox_online"] is False, "it is noticed")
        daemon.inbox.mkdir()
        daemon.wait_status(lambda s: s["daemon"]["inbox_online"], "it is back")
        text = picture(daemon.inbox / "after.png")
        daemon.wait_quiet()

        assert (daemon.outbox / "after.txt").read_text().strip() == text


def test_an_empty_mount_point_does_not_make_jobs_gone(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"inbox": str(small_disk)})
    daemon.inbox = small_disk
    with daemon.start():
        daemon.ask("pause")
        picture(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
        subprocess.run(["umount", "-l", small_disk], check=True)  # what is left is an empty folder on another device
        daemon.ask("resume")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small_disk], check=True)

        assert status["queue"]["paused_reason"].startswith("inbox-offline: ")
        assert daemon.status()["queue"]["gone"] == 0


def test_nothing_is_written_into_the_mount_point_of_an_outbox_that_is_away_at_the_start(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    daemon.outbox = small_disk
    with daemon.start():
        daemon.read_one()
    subprocess.run(["umount", "-l", small_disk], check=True)
    with daemon.start():
        text = picture(daemon.inbox / "later.png", 1)
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        assert status["queue"]["paused_reason"].startswith("outbox-missing: ")
        assert os.listdir(small_disk) == []

        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small_disk], check=True)
        daemon.wait_quiet()
        assert (daemon.outbox / "later.txt").read_text().strip() == text


def test_no_original_goes_to_the_mount_point_of_an_archive_that_is_away(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"archive": str(small_disk)})
    daemon.archive = small_disk
    assert daemon.once() == 0
    subprocess.run(["umount", "-l", small_disk], check=True)
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["archive_error"], "it says what the original waits for")
        assert "cannot be moved yet" in daemon.run("status").stdout
        assert os.listdir(small_disk) == [] and left(daemon.inbox) == ["scan.png"]

        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small_disk], check=True)
        daemon.wait_quiet()
        assert left(daemon.archive) == ["scan.png"]


def test_an_archive_that_goes_after_its_place_was_chosen_gets_no_original_in_its_mount_point(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Daemon(tmp_path, folders={"archive": str(small_disk / "archive")})
    daemon.archive = small_disk / "archive"
    with daemon.start():
        daemon.read_one()
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        picture(daemon.inbox / "second.png", 1)
        daemon.wait_status(lambda s: s["queue"]["archive_error"], "it waits")
        subprocess.run(["umount", "-l", small_disk], check=True)
        daemon.wait_status(lambda s: "volume" in (s["queue"]["archive_error"] or ""), "it waits for the volume")
        assert os.listdir(small_disk) == [] and left(daemon.inbox) == ["second.png"]
    with daemon.start():
        daemon.wait_status(lambda s: s["queue"]["archive_error"], "it waits after a restart too")
        assert os.listdir(small_disk) == []
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small_disk], check=True)
        daemon.wait_quiet()
        assert left(daemon.archive) == ["second.png"]


def test_nothing_is_retried_into_the_mount_point_of_an_inbox_that_is_away(tmp_path: Path, small_disk: Path) -> None:
    daemon = Daemon(tmp_path, folders={"inbox": str(small_disk)})
    daemon.inbox = small_disk
    (small_disk / "bad.png").write_bytes(b"no picture")
    assert daemon.once() == 1
    subprocess.run(["umount", "-l", small_disk], check=True)

    refused = [daemon.run("retry", "--all")]
    with daemon.start():
        refused.append(daemon.run("retry", "--all"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small_disk], check=True)

    for result in refused:
        assert result.returncode != 0 and "the inbox" in result.stderr
    assert left(daemon.failed) == ["bad.png", "bad.png.error.txt"] and left(daemon.inbox) == []


def test_once_gives_up_on_an_outbox_that_is_away_also_with_work_that_a_crash_left(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.start()
    picture(daemon.inbox / "scan.png", deed="slow")
    daemon.wait_status(lambda s: s["current"], "it is read")
    daemon.kill()
    daemon.outbox.rename(tmp_path / "unplugged")

    assert daemon.once() == 1
    assert daemon.log().count("the queue is paused (outbox-missing)") == 1, "one hold, and no lifting in between"
    assert left(daemon.inbox) == ["scan.png"]


def test_a_lost_journal_beside_an_outbox_that_cannot_be_written_yet_leads_to_no_second_reading(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Daemon(tmp_path, folders={"outbox": str(small_disk)})
    daemon.outbox = small_disk
    daemon.archive.write_text("a file where the folder is to be: the original must wait")
    daemon.start()
    picture(daemon.inbox / "one.png")
    daemon.wait_status(lambda s: s["queue"]["archive_error"], "it is published, and not put away")
    daemon.kill()
    for file in daemon.state.glob("journal.db*"):
        file.write_bytes(b"garbage" * 1000)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with daemon.start():
        daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        text = picture(daemon.inbox / "two.png", 2)
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        daemon.archive.unlink()
        daemon.wait_quiet()

        assert left(daemon.outbox) == ["one.txt", "two.txt"]
        assert (daemon.outbox / "two.txt").read_text().strip() == text


@pytest.mark.parametrize("left_behind", ['{"signature": {}}', "{", "[]", "null"])
def test_a_manifest_that_makes_no_sense_keeps_no_daemon_from_starting(tmp_path: Path, left_behind: str) -> None:
    daemon = Daemon(tmp_path)
    staged = daemon.state / "staged" / "1-1"
    staged.mkdir(parents=True)
    values = {"job": 1, "path": "a.png", "stem": "a", "outputs": [], "seconds": 1.0, "signature": {}}
    text = json.dumps(values) if "signature" in left_behind else left_behind
    (staged / "manifest.json").write_text(text)
    read = picture(daemon.inbox / "scan.png")

    assert daemon.once() == 0
    assert (daemon.outbox / "scan.txt").read_text().strip() == read and not staged.exists()


def test_what_was_read_is_not_read_again_because_the_outbox_was_away(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"cache": False})
    daemon.fake(read_seconds=0.3)
    with daemon.start():
        texts = document(daemon.inbox / "scan.tiff", 3)
        daemon.wait_status(lambda s: s["current"] and s["current"]["page"] == 2, "it reads")
        daemon.outbox.rename(tmp_path / "unplugged")
        daemon.wait_status(lambda s: s["queue"]["paused"], "the queue waits")
        (tmp_path / "unplugged").rename(daemon.outbox)
        status = daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().split() == " ".join(texts).split()
        assert status["model"]["pages_read"] == 3
        wait_for(lambda: os.listdir(daemon.state / "pages") == [], "the pages go with their job")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_told_and_taken_when_it_may_be_read(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "1h"})
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        (daemon.inbox / "scan.png").chmod(0)
        daemon.wait_status(lambda s: [i["waiting_for"] for i in s["intake"]] == ["permission"], "it waits")
        (daemon.inbox / "scan.png").chmod(0o644)
        daemon.wait_quiet()
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_changed_settings_are_taken_over_and_faulty_ones_are_told(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    with daemon.start():
        daemon.config.write_text("intake: {setle: 3s}\n")
        status = daemon.wait_status(lambda s: s["daemon"]["config_error"], "the fault is told")
        assert "setle" in status["daemon"]["config_error"]

        daemon.settings["output"] = {"formats": ["md"]}
        daemon.settings["log"]["folder"] = str(tmp_path / "elsewhere")
        daemon.save()
        status = daemon.wait_status(lambda s: s["daemon"]["restart_needed"], "they are read")
        assert status["daemon"]["restart_needed"] == ["log.folder"] and status["daemon"]["config_error"] is None
        picture(daemon.inbox / "scan.png")
        daemon.wait_quiet()
        assert left(daemon.outbox) == ["scan.md"]


def test_an_agent_with_faulty_settings_stays_up_and_begins_when_they_are_mended(tmp_path: Path) -> None:
    import signal

    daemon = Daemon(tmp_path)
    good = daemon.config.read_text()
    daemon.config.write_text("nonsense: 1\n")
    environment = {"XDG_STATE_HOME": str(tmp_path / "xdg")}
    command = [*daemon.command, "run", "--agent", "--config", str(daemon.config)]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and "the configuration is invalid" in process.stderr.readline()
        daemon.config.write_text(good)
        daemon.process = None
        daemon.wait_status(lambda s: s["daemon"]["agent"], "it begins")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
