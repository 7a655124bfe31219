"""Through the daemon: a page whose answer is right is confirmed; the same answer to another page is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.harness import Daemon, done
from support.tiny_checkpoint import page_picture
from support.tiny_daemon import daemon_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
# What the scripted model reads as plain text on any page; its Markdown is another text altogether.
ANSWER = "INVOICE 42\nDear Ms. Smith,\namount due is 3.50 EUR."
OTHER = "The committee has resolved to postpone\nthe vote until all of its members\nhave returned from Geneva."


def read(daemon: Daemon, text: str, number: int) -> dict[str, Any]:
    """Drop a picture of *text* and return the page as the JSON has it."""
    page_picture(700, 300, text).save(daemon.root / f"{number}.png")
    (daemon.root / f"{number}.png").rename(daemon.inbox / f"{number}.png")
    daemon.wait_status(done(number), "it is read", 120)
    page: dict[str, Any] = json.loads((daemon.outbox / f"{number}.json").read_text())["pages"][0]
    return page


@pytest.mark.parametrize("rows", [1, 2])
def test_only_the_answer_that_is_on_the_page_is_confirmed(tmp_path: Path, tiny: Path, rows: int) -> None:
    daemon = daemon_of(tmp_path, tiny, cross_check="auto", prompt="text", pages_at_once=rows)
    with daemon.start():
        right, wrong = read(daemon, ANSWER, 1), read(daemon, OTHER, 2)
        recent = {file["name"]: file for file in daemon.status()["recent"]}

    assert right["check"]["agreement"] == 1.0 and not right["check"]["unconfirmed"] and not right["flags"]
    assert len(right["attempts"]) == 1
    assert wrong["check"]["agreement"] < 0.5 and "disagree" in wrong["flags"]
    assert "committee has resolved" in wrong["check"]["missing"][0]["text"]
    assert not recent["1.png"]["review"] and recent["2.png"]["review"]
    assert "please check page 1: " in recent["2.png"]["detail"]
    assert "please check page 1: " in daemon.log()


def test_another_look_that_agrees_is_kept(tmp_path: Path, tiny: Path) -> None:
    """The Markdown that the model gives is no text of this page, its plain text is."""
    daemon = daemon_of(tmp_path, tiny, cross_check="auto", prompt="markdown", pages_at_once=1)
    with daemon.start():
        page = read(daemon, ANSWER, 1)

    assert page["text"] == "INVOICE 42\nDear Ms. Smith,\namount due is 3.50 EUR."
    assert page["check"]["agreement"] == 1.0 and page["flags"] == ["reduced-mode"] and len(page["attempts"]) > 1
