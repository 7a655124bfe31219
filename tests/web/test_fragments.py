"""The parts of the page that change, as HTML: what they call things."""

import re

from dropscribe.core.status import (
    ActiveStatus,
    DaemonStatus,
    FailingHook,
    LeftAloneStatus,
    ModelStatus,
    Status,
    WaitingStatus,
)
from dropscribe.web import site


def words(fragment: str, status: Status) -> str:
    html = site._environment().get_template(f"fragments/{fragment}.html").render(status=status)
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_engine_has_one_name_loaded_or_not() -> None:
    status = Status(daemon=DaemonStatus(running=True, engine="rapidocr"), model=ModelStatus(name="rapidocr"))
    assert "Engine rapidocr Machine" in words("model", status)

    status.model.name = "PP-OCRv6-small"
    assert "Engine rapidocr (PP-OCRv6-small) Machine" in words("model", status)


def test_what_a_file_waits_for_is_told_as_in_the_terminal() -> None:
    status = Status(intake=[WaitingStatus(name="a.png", waiting_for="writer")])

    assert "a.png its writer is not done" in words("waiting", status)


def test_nothing_waits_only_when_nothing_is_queued() -> None:
    status = Status()
    assert words("waiting", status) == "Nothing waits."

    status.queue.running = 3  # by a daemon that was killed
    assert words("waiting", status) == ""


def test_tokens_are_shown_of_an_engine_that_has_them() -> None:
    status = Status(daemon=DaemonStatus(engine="rapidocr"), active=[ActiveStatus(id=1, name="a", pages=1, tokens=18)])
    assert "token" not in words("active", status)

    status.daemon.engine = "remote"
    assert "18 tokens" in words("active", status)


def test_hooks_that_fail_and_what_is_left_alone_are_told() -> None:
    hook = FailingHook(name="<b>.png", state="done", command="send", exit=3, message="no route", seconds=1, recipe="s")
    status = Status(left_alone=[LeftAloneStatus(name=f"{n}.png", what="a link") for n in range(3)])
    status.hooks.failing = [hook]
    status.queue.left_alone = 5

    assert "send for &lt;b&gt;.png (s) ended with 3: no route" in words("notice", status)
    assert "0.png (a link), 1.png (a link), 2.png (a link) and 2 more" in words("waiting", status)
