"""A daemon with the real model code and a tiny checkpoint: pages of strangers share its passes, and rows stay full."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.harness import Daemon, done, left
from support.tiny_checkpoint import page_picture
from support.tiny_daemon import daemon_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
ROWS = 4


def drop(daemon: Daemon, count: int) -> None:
    """Put so many pictures of different shapes into the inbox."""
    for number in range(count):
        image = page_picture(400 + 60 * (number % 5), 300 + 70 * (number % 7), f"Receipt {number}\n" * (1 + number % 4))
        image.save(daemon.root / f"{number:02}.png")
        (daemon.root / f"{number:02}.png").rename(daemon.inbox / f"{number:02}.png")


def read(daemon: Daemon, count: int) -> dict[str, Any]:
    """Have so many pictures read, and return what was written by name."""
    with daemon.start():
        daemon.ask("pause")
        drop(daemon, count)
        daemon.wait_status(lambda s: s["queue"]["queued"] == count, "all are queued", 60)
        daemon.ask("resume")
        daemon.wait_quiet(180)
    return {name: json.loads((daemon.outbox / name).read_text()) for name in left(daemon.outbox)}


def test_forty_single_pictures_keep_the_rows_busy(tmp_path: Path, tiny: Path) -> None:
    """Seen in `status`, and in the JSON: the seconds of all pages together, over the seconds that all took."""
    daemon = daemon_of(tmp_path, tiny, pages_at_once=ROWS, prompt="Count the numbers.", max_tokens=150)
    most = 0
    with daemon.start():
        page_picture().save(daemon.inbox / "first.png")
        daemon.wait_status(done(1), "the model is loaded", 60)
        daemon.ask("pause")
        drop(daemon, 40)
        daemon.wait_status(lambda s: s["queue"]["queued"] == 40, "all are queued", 60)

        def over(status: dict[str, Any]) -> bool:
            nonlocal most
            most = max(most, sum(entry["page"] > 0 for entry in status["active"]))
            return bool(status["queue"]["done"] == 41)

        begun = time.monotonic()
        daemon.ask("resume")
        daemon.wait_status(over, "all are read", 180)
        seconds = time.monotonic() - begun

    (daemon.outbox / "first.json").unlink()
    pages = [json.loads((daemon.outbox / name).read_text())["pages"][0] for name in left(daemon.outbox)]
    assert len(pages) == 40 and most >= ROWS
    busy = sum(page["seconds"] for page in pages) / seconds
    assert 0.5 * ROWS < busy <= ROWS, "one page after the other would be 1"


def test_pages_read_beside_strangers_have_the_texts_of_pages_read_alone(tmp_path: Path, random_weights: Path) -> None:
    engine = {"prompt": "Recite the poem.", "max_tokens": 24}
    alone = read(daemon_of(tmp_path / "alone", random_weights, pages_at_once=1, **engine), 12)
    together = read(daemon_of(tmp_path / "together", random_weights, pages_at_once=ROWS, **engine), 12)

    def texts(documents: dict[str, Any]) -> dict[str, Any]:
        return {
            name: [
                (page["text"], [(a["mode"], a["tokens"], a["end"]) for a in page["attempts"]]) for page in d["pages"]
            ]
            for name, d in documents.items()
        }

    assert texts(together) == texts(alone)
    assert len({str(text) for text in texts(alone).values()}) > 1, "the pages must differ for this to mean anything"


def test_figures_of_several_files_are_cut_out_by_their_decoders(tmp_path: Path, tiny: Path) -> None:
    daemon = daemon_of(tmp_path, tiny, {"formats": ["md"], "figures": True}, pages_at_once=ROWS)
    with daemon.start():
        drop(daemon, 4)
        daemon.wait_status(done(4), "all are read", 90)

    figures = [name for name in left(daemon.outbox) if not name.endswith(".md")]
    assert len(figures) == 4
    for name in figures:
        with Image.open(daemon.outbox / name) as image, Image.open(daemon.archive / f"{name[:2]}.png") as page:
            assert 0.3 < image.width / page.width < 0.5, "the region that the model named"
