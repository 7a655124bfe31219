"""Writers that are not done: nothing is read, moved, failed or deleted before they are, and nothing is lost."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from PIL import Image

from support.fakes import document, fingerprint, picture
from support.harness import Daemon, done, left, wait_for, waits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
WAITS = waits("scan.tif", "writer")


def pages(root: Path, count: int) -> tuple[list[bytes], list[str]]:
    """Return a TIFF as it is after each page that a feeder appends, each a valid file, and the texts of its pages."""
    texts = document(root / "whole.tif", count)
    grown = []
    for number in range(1, count + 1):
        document(root / "part.tif", number)
        grown.append((root / "part.tif").read_bytes())
    return grown, texts


@pytest.mark.parametrize("keeps_open, mode", [(True, "delete"), pytest.param(False, "archive", marks=pytest.mark.slow)])
def test_a_feeder_that_adds_page_after_page_is_waited_for(tmp_path: Path, keeps_open: bool, mode: str) -> None:
    grown, texts = pages(tmp_path, 3)
    daemon = Daemon(tmp_path, output={"originals": mode}, intake={"stable_for": "100ms" if keeps_open else "2s"})
    with daemon.start():
        feeder = open(daemon.inbox / "scan.tif", "wb")  # noqa: SIM115
        for content in grown:
            feeder = feeder if not feeder.closed else open(daemon.inbox / "scan.tif", "r+b")  # noqa: SIM115
            feeder.seek(0)
            feeder.write(content)
            feeder.flush()
            if keeps_open:  # quiet for longer than `stable_for`, and not taken
                daemon.wait_status(WAITS, "it waits for its writer")
            else:
                feeder.close()
                daemon.wait_status(lambda s: s["intake"], "it is seen")
        feeder.close()

        status = daemon.wait_status(done(1), "it is read")
        assert [text.strip() for text in (daemon.outbox / "scan.txt").read_text().split("\f")] == texts
        assert status["queue"]["gone"] == status["queue"]["failed"] == 0 and left(daemon.outbox) == ["scan.txt"]


def test_an_empty_file_of_a_redirect_does_not_fail_while_its_program_runs(tmp_path: Path) -> None:
    text = picture(tmp_path / "whole.png")
    with Daemon(tmp_path, intake={"incomplete_timeout": "200ms"}).start() as daemon:
        shell = subprocess.Popen(
            ["sh", "-c", 'cat > "$1"', "sh", str(daemon.inbox / "scan.png")], stdin=subprocess.PIPE
        )
        waiting = waits("scan.png", "writer")
        daemon.wait_status(waiting, "it waits for its writer")
        shell.communicate((tmp_path / "whole.png").read_bytes())
        daemon.wait_status(done(1), "it is read")
        assert (daemon.outbox / "scan.txt").read_text().strip() == text and left(daemon.failed) == []


@pytest.mark.skipif(not shutil.which("aria2c"), reason="aria2 is not installed")
def test_a_download_of_aria2_is_read_when_it_is_over(tmp_path: Path) -> None:
    served, size = tmp_path / "served", (900, 900)
    picture(served / "scan.png", size=size)
    with Image.open(served / "scan.png") as image:
        image.resize(size).save(served / "scan.png", compress_level=0)
        text = fingerprint(image)
    server = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Daemon(tmp_path, intake={"incomplete_timeout": "200ms"}).start() as daemon:
            url = f"http://127.0.0.1:{server.server_port}/scan.png"
            command = ["aria2c", "--no-conf", "-q", "--max-download-limit=1M", "-d", str(daemon.inbox), url]
            with subprocess.Popen(command, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}):
                waiting = waits("scan.png", "writer")
                daemon.wait_status(waiting, "it waits for its writer")
            daemon.wait_status(done(1), "it is read")
            assert (daemon.outbox / "scan.txt").read_text().strip() == text
            assert left(daemon.failed) == [] and left(daemon.inbox) == []
    finally:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_stopped_download_is_left_alone_and_read_when_its_partner_goes(tmp_path: Path) -> None:
    with Daemon(tmp_path, intake={"rescan_interval": "1h"}).start() as daemon:
        (daemon.inbox / "scan.png.aria2").write_bytes(b"what is missing")
        picture(daemon.inbox / "scan.png")
        waiting = waits("scan.png", "writer")
        daemon.wait_status(waiting, "it waits")
        (daemon.inbox / "scan.png.aria2").unlink()
        daemon.wait_status(done(1), "it is read")


def test_a_file_that_somebody_opens_again_while_it_is_queued_is_waited_for(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.ask("pause")
        picture(daemon.inbox / "scan.png", 1)
        daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
        with open(daemon.inbox / "scan.png", "r+b") as writer:
            daemon.ask("resume")
            waiting = waits("scan.png", "writer")
            daemon.wait_status(waiting, "it waits")
            text = picture(tmp_path / "other.png", 2)
            writer.write((tmp_path / "other.png").read_bytes())
        daemon.wait_status(done(1), "it is read")
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


# -- writers that cannot be seen


@pytest.mark.parametrize(
    "place, killed",
    [
        ("deleted", True),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (("archive", False), ("failed", True))),
    ],
)
def test_what_changes_after_it_was_put_away_is_read_again(tmp_path: Path, place: str, killed: bool) -> None:
    """The writer had the file open before, was quiet for long, and could not be asked for (here it opens it anew)."""
    daemon = Daemon(
        tmp_path, intake={"recheck_for": "5s"}, output={"originals": "delete" if place == "deleted" else "archive"}
    )
    if place == "failed":
        (daemon.inbox / "scan.png").write_bytes(b"not yet a picture")
    else:
        picture(daemon.inbox / "scan.png", 1)
    with daemon.start():
        over = "failed" if place == "failed" else "done"
        daemon.wait_status(lambda s: s["queue"][over] == 1, "it is put away")
        found = {"archive": daemon.archive / "scan.png", "failed": daemon.failed / "scan.png"}
        lies = found.get(place) or next(daemon.inbox.glob(".dropscribe-*"))
        if killed:
            daemon.kill()
        text = picture(tmp_path / "more.png", 2)
        with open(lies, "r+b") as writer:
            writer.write((tmp_path / "more.png").read_bytes())
            writer.truncate()
        if killed:
            daemon.start()
        daemon.wait_status(lambda s: s["queue"]["done"] == 1 + (place != "failed"), "it is read again")
        texts = [path.read_text().strip() for path in daemon.outbox.glob("*.txt")]
        assert text in texts and left(daemon.failed) == [] and left(daemon.inbox) == []
        assert "changed after it was read" in daemon.log()


@pytest.mark.skipif(
    not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev, reason="no second volume"
)
@pytest.mark.parametrize("name, place", [("scan.png", "archive"), ("bad.png", "failed")])
def test_what_was_copied_to_another_volume_is_watched_where_its_writer_has_it(
    tmp_path: Path, name: str, place: str
) -> None:
    """The archive's copy hears nothing of what is written later to the file that was open."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as volume:
        daemon = Daemon(tmp_path, intake={"recheck_for": "5s"}, folders={place: volume})
        first = picture(daemon.inbox / "sub" / name, 1)
        if name == "bad.png":
            (daemon.inbox / "sub" / name).write_bytes(b"not yet a picture")
        with daemon.start():
            wait_for(lambda: (Path(volume) / "sub" / name).exists(), "it is put away")
            hidden = wait_for(lambda: next((daemon.inbox / "sub").glob(".dropscribe-left-*"), None), "it is left")
            text = picture(tmp_path / "more.png", 2)
            with open(hidden, "r+b") as writer:
                writer.write((tmp_path / "more.png").read_bytes())
                writer.truncate()
            daemon.wait_status(lambda s: s["queue"]["done"] == 1 + (name == "scan.png"), "it is read again")
            texts = {path.read_text().strip() for path in daemon.outbox.rglob("*.txt")}
            assert texts == ({first, text} if name == "scan.png" else {text})
            wait_for(lambda: not left(daemon.inbox) and not list(daemon.inbox.rglob(".drop*")), "nothing stays", 60)


def test_an_original_is_deleted_when_nobody_has_changed_it_for_long_enough(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"recheck_for": "1s"}, output={"originals": "delete"})
    with daemon.start():
        daemon.read_one("sub/scan.png")
        wait_for(lambda: not list(tmp_path.rglob("*.png")) and not list(tmp_path.rglob(".drop*")), "it is deleted")


@pytest.mark.slow
def test_nothing_is_deleted_while_a_program_has_it_open_for_writing(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"recheck_for": "200ms"}, output={"originals": "delete"})
    with daemon.start():
        daemon.read_one("scan.png")
        with open(next(daemon.inbox.glob(".dropscribe-*")), "ab"):
            daemon.wait_status(lambda s: not list(tmp_path.glob("nothing")), "a turn of the loop")
            daemon.read_one("next.png", 1)
            wait_for(lambda: len(list(daemon.inbox.glob(".dropscribe-*"))) == 1, "the other one is deleted")
        wait_for(lambda: not list(daemon.inbox.iterdir()), "it is deleted when that has closed it")
