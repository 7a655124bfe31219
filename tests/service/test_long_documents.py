"""Long documents: page by page, never twice the same page, and in nobody's way."""

import os
import signal
from pathlib import Path

from PIL import Image

from support.fakes import fingerprint, picture
from support.harness import Daemon, left


def book(path: Path, pages: int) -> list[str]:
    """Write a TIFF of *pages* different pages and return their texts."""
    images = []
    for number in range(pages):
        image = Image.new("RGB", (60, 40), "white")
        image.paste((0, 0, 0), (10, 10, 30, 20))
        image.putpixel((50, 30), (number, 0, 7))
        images.append(image)
    hidden = path.with_name("." + path.name)
    images[0].save(hidden, "TIFF", save_all=True, append_images=images[1:])
    hidden.rename(path)
    return [fingerprint(image) for image in images]


def test_pages_come_in_order_and_are_separated_by_form_feeds(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    texts = book(daemon.inbox / "book.tif", 5)

    assert daemon.once() == 0
    assert [page.strip() for page in (daemon.outbox / "book.txt").read_text().split("\f")] == texts


def test_a_worker_killed_in_the_middle_repeats_no_finished_page(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=0.1)
    with daemon.start():
        texts = book(daemon.inbox / "book.tif", 30)
        status = daemon.wait_status(lambda s: s["model"]["pages_read"] and s["model"]["pages_read"] > 10, "it reads")
        before = status["model"]["pages_read"]
        os.kill(status["model"]["pid"], signal.SIGKILL)
        daemon.wait_quiet(60)
        after = daemon.status()["model"]["pages_read"]

        assert [page.strip() for page in (daemon.outbox / "book.txt").read_text().split("\f")] == texts
        assert after <= 30 - before
        assert daemon.status()["queue"]["failed"] == 0


def test_a_long_document_makes_way_for_a_short_one(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=0.1)
    with daemon.start():
        texts = book(daemon.inbox / "book.tif", 60)
        daemon.wait_status(lambda s: s["current"] and s["current"]["page"] > 2, "the book is being read")
        short = picture(daemon.inbox / "short.png")
        daemon.wait_status(lambda s: s["queue"]["done"] == 1, "the short one is done")
        assert left(daemon.outbox) == ["short.txt"]
        assert (daemon.outbox / "short.txt").read_text().strip() == short
        daemon.wait_quiet(60)

        assert [page.strip() for page in (daemon.outbox / "book.txt").read_text().split("\f")] == texts


def test_the_same_content_is_answered_from_the_cache_and_says_so(tmp_path: Path) -> None:
    import json

    daemon = Daemon(tmp_path, output={"formats": ["json"]})
    picture(daemon.inbox / "one.png", 1)
    assert daemon.once() == 0
    picture(daemon.inbox / "other.png", 1)
    assert daemon.once() == 0

    one, other = (json.loads((daemon.outbox / f"{name}.json").read_text()) for name in ("one", "other"))
    assert (one["reused"], other["reused"]) == (False, True)
    assert one["pages"] == other["pages"] and other["source"]["name"] == "other.png"

    daemon.settings["output"]["cache"] = False
    daemon.save()
    picture(daemon.inbox / "third.png", 1)
    assert daemon.once() == 0
    assert json.loads((daemon.outbox / "third.json").read_text())["reused"] is False


def test_limits_of_pages_and_size_are_told_with_their_reason(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"max_pages": 3, "max_file": "100KB", "max_pixels": 5000})
    book(daemon.inbox / "book.tif", 4)
    picture(daemon.inbox / "wide.png", size=(100, 60))
    (daemon.inbox / "heavy.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300000))

    assert daemon.once() == 1
    notes = {name: (daemon.failed / f"{name}.error.txt").read_text() for name in ("book.tif", "wide.png", "heavy.png")}
    assert "reason: too-many-pages" in notes["book.tif"]
    assert "reason: too-many-pixels" in notes["wide.png"]
    assert "reason: too-big" in notes["heavy.png"]
