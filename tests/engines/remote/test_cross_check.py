"""A server's answers beside the second reader: what is on the page is confirmed, the same for another page is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.harness import REAL_DAEMON, Daemon, done
from support.scripted_http import DONE, ScriptedServer, event, streamed
from support.tiny_checkpoint import page_picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ANSWER = "INVOICE 42\nDear Ms. Smith,\namount due is 3.50 EUR."
OTHER = "The committee has resolved to postpone\nthe vote until all of its members\nhave returned from Geneva."


def test_only_the_answer_that_is_on_the_page_is_confirmed(tmp_path: Path) -> None:
    with ScriptedServer(always=streamed(event(ANSWER), event(finish="stop"), DONE)) as server:
        engine = {"name": "remote", "prompt": "text", "remote": {"url": [server.url]}}
        daemon = Daemon(
            tmp_path, REAL_DAEMON, engine=engine, intake={"orientation": "off"}, output={"formats": ["json", "txt"]}
        )
        with daemon.start():
            for name, text in (("right", ANSWER), ("wrong", OTHER)):
                page_picture(700, 300, text).save(tmp_path / f"{name}.png")
                (tmp_path / f"{name}.png").rename(daemon.inbox / f"{name}.png")
            daemon.wait_status(done(2), "both are read", 120)
            told = daemon.run("read", "--check", str(daemon.archive / "wrong.png"), deadline=60)

    right, wrong = (page_of(daemon, name) for name in ("right", "wrong"))
    assert right["check"]["agreement"] == 1.0 and "disagree" not in right["flags"]
    assert "disagree" in wrong["flags"] and "committee" in wrong["check"]["missing"][0]["text"]
    assert (daemon.outbox / "wrong.txt").read_text().strip() == ANSWER, "the text is left as the model wrote it"
    assert told.stdout.strip() == ANSWER
    assert "please check page 1: " in told.stderr and "page 1, left out: The committee has" in told.stderr


def page_of(daemon: Daemon, name: str) -> dict[str, Any]:
    """Return the only page of a document as the JSON has it."""
    page: dict[str, Any] = json.loads((daemon.outbox / f"{name}.json").read_text())["pages"][0]
    return page
