"""An inbox that others can write to: what they put in the place of a file is never read, and hangs nobody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from support.fakes import fingerprint, picture
from support.harness import Daemon, done, left, wait_for, waits

SWAP = """
import os, random, sys, time
own, link, name = sys.argv[1:]
while True:  # the file that was seen, then a link to somebody's, and back
    os.replace(own, name)
    os.symlink(link, name + "~")
    time.sleep(random.random() / 50)
    os.link(name, own)
    os.replace(name + "~", name)
    time.sleep(random.random() / 50)
"""
FOLDERS = """
import os, random, sys, time
inbox, away = sys.argv[1:]
while True:  # the folder that was seen, then a link to somebody's, and back
    os.rename(inbox + "/sub", inbox + "/.own")
    os.symlink(away, inbox + "/sub")
    time.sleep(random.random() / 50)
    os.unlink(inbox + "/sub")
    os.rename(inbox + "/.own", inbox + "/sub")
    time.sleep(random.random() / 50)
"""


def private(path: Path) -> str:
    """Write a picture that is nobody's business, and return its text."""
    text = picture(path, 777, size=(90, 70))
    path.chmod(0o600)
    return text


def texts(daemon: Daemon) -> set[str]:
    return {(daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)}


@pytest.mark.parametrize("what", [pytest.param("a file", marks=pytest.mark.slow), "its folder"])
def test_a_link_that_is_swapped_in_and_out_never_shows_what_it_points_to(tmp_path: Path, what: str) -> None:
    secret = private(tmp_path / "private" / "scan0.png")
    for number in range(1, 30):
        (tmp_path / "private" / f"scan{number}.png").write_bytes((tmp_path / "private" / "scan0.png").read_bytes())
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=0.02)
    with daemon.start():
        if what == "a file":
            own = picture(tmp_path / "own.png", 1)
            command = [SWAP, str(tmp_path / "own.png"), str(tmp_path / "private" / "scan0.png"),
                       str(daemon.inbox / "scan.png")]  # fmt: skip
        else:
            for number in range(30):
                own = picture(daemon.inbox / "sub" / f"scan{number}.png", number)
            command = [FOLDERS, str(daemon.inbox), str(tmp_path / "private")]
        with subprocess.Popen([sys.executable, "-c", *command], stderr=subprocess.DEVNULL) as stranger:
            end = time.monotonic() + 10
            while stranger.poll() is None and time.monotonic() < end and daemon.status()["queue"]["done"] < 10:
                picture(daemon.inbox / "wake.png", 2)  # events make it look again
                daemon.wait_status(lambda s: not (daemon.inbox / "wake.png").exists(), "the rest goes on")
            stranger.kill()
        wait_for(lambda: daemon.status()["queue"]["running"] == 0, "nothing is being read")
        assert secret not in texts(daemon)

        # Nor is it kept for the content that was settled: that is read to its own text.
        text = picture(daemon.inbox / "last.png", 1 if what == "a file" else 29)
        wait_for(lambda: (daemon.outbox / "last.txt").exists(), "it is read")
        assert (daemon.outbox / "last.txt").read_text().strip() == text == own
    assert len(list((tmp_path / "private").glob("*.png"))) == 30


def odd(kind: str, path: Path) -> None:
    """Put something at *path* that is no regular file."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        subprocess.run([sys.executable, "-c", "import socket,sys;socket.socket(1).bind(sys.argv[1])", path], check=True)
    elif os.geteuid() == 0:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
    else:
        pytest.skip("only root makes devices")


def test_pipes_sockets_and_devices_hang_neither_start_nor_reading_nor_stop(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    for kind in ("pipe", "socket", *(["device"] if os.geteuid() == 0 else [])):
        odd(kind, daemon.inbox / f"{kind}.png")
        (daemon.inbox / "sub" / kind).mkdir(parents=True)
        odd(kind, daemon.inbox / "sub" / kind / "scan.png")
    with daemon.start():
        daemon.read_one("scan.png")
        assert daemon.status()["queue"]["settling"] == 0
        for kind in ("pipe", "socket"):
            for place in (daemon.inbox / f"{kind}.png", daemon.inbox / f"link to {kind}.png"):
                if not os.path.lexists(place):
                    place.symlink_to(f"{kind}.png")
                answer = daemon.ask("read", path=str(place), formats=["txt"])
                assert not answer["ok"] and answer["reason"] == "unreadable"
                assert daemon.run("read", str(place)).returncode == 1
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(20) == 0
    assert left(daemon.failed) == [] and left(daemon.archive) == ["scan.png"]


@pytest.mark.slow
def test_a_pipe_in_the_place_of_a_queued_file_hangs_nobody(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.ask("pause")
        picture(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
        (daemon.inbox / "scan.png").unlink()
        os.mkfifo(daemon.inbox / "scan.png")
        daemon.ask("resume")
        daemon.wait_status(lambda s: s["queue"]["gone"] == 1, "it is gone")
        daemon.read_one("next.png", 1)


def test_links_and_pipes_are_left_alone_and_that_is_told_once(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    picture(tmp_path / "elsewhere" / "real.png")
    for name, target in (("link.png", "../elsewhere/real.png"), ("folder", "../elsewhere"), (".png", "nowhere")):
        (daemon.inbox / name).symlink_to(target)
    os.mkfifo(daemon.inbox / "pipe")
    done = daemon.run("run", "--once")
    assert done.returncode == 0
    assert all(
        f"left alone: {each}" in done.stderr for each in ("link.png (a link)", "folder (a link)", "pipe (a pipe)")
    )

    (daemon.root / "log" / "dropscribe.log").unlink()
    with daemon.start():
        daemon.wait_status(lambda s: s["queue"]["left_alone"] == 3, "they are counted")
        (daemon.inbox / "late.png").symlink_to("nowhere")
        daemon.read_one("a.png", 1)
        status = daemon.wait_status(lambda s: s["queue"]["left_alone"] == 4, "another is counted")
        assert {(each["name"], each["what"]) for each in status["left_alone"]} == {
            ("link.png", "a link"), ("folder", "a link"), ("pipe", "a pipe"), ("late.png", "a link"),
        }  # fmt: skip
        assert "left alone" in daemon.run("status").stdout
        daemon.change(intake={"ignore": ["late*"]})
        daemon.wait_status(lambda s: s["queue"]["left_alone"] == 3, "what is ignored is not told")
        assert daemon.log().count("left alone: link.png (a link)") == daemon.log().count("late.png (a link)") == 1


def test_a_hard_link_in_a_shared_inbox_waits_until_its_owner_is_trusted(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = private(tmp_path / "private.png")
    daemon.inbox.chmod(0o777)
    os.link(tmp_path / "private.png", daemon.inbox / "scan.png")
    with daemon.start():
        waiting = waits("scan.png", "permission")
        daemon.wait_status(waiting, "it waits")
        daemon.read_one("own.png", 1)
        assert waiting(daemon.status()) and "trusted_owners" in daemon.log()

        daemon.change(intake={"trusted_owners": "any"})
        daemon.wait_status(done(2), "it is read")
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_hard_links_are_read_from_a_private_inbox(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = private(tmp_path / "private.png")
    os.link(tmp_path / "private.png", daemon.inbox / "scan.png")

    assert daemon.once() == 0
    assert (daemon.outbox / "scan.txt").read_text().strip() == text and (tmp_path / "private.png").exists()
    with Image.open(tmp_path / "private.png") as image:
        assert fingerprint(image) == text
