"""What the tests of the engine share: settings for a checkpoint, pages with writing, replies to a ladder."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dropscribe.config import Settings, checked
from dropscribe.core.pages import Page, PageText
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.vlm.attempt import Reply, Request
from dropscribe.engines.vlm.fallback import Fallback
from support.tiny_checkpoint import page_picture

MakeEngine = Callable[..., DeepSeekOcr]
MakeCheckpoint = Callable[..., Path]


def settings_for(checkpoint: Path | str = "no/model", /, **sections: dict[str, Any]) -> Settings:
    """Return settings with *checkpoint*, mode tiny unless told otherwise, and these sections."""
    engine = {"name": "deepseek-ocr", "model": str(checkpoint), "mode": "tiny", **sections.pop("engine", {})}
    return checked({"engine": engine, **sections}, "test")


def page(number: int = 1, width: int = 600, height: int = 400, **values: Any) -> Page:
    """Return a page with some writing."""
    return Page(number, page_picture(width, height), **values)


def reply(
    text: str = "", end: str = "stop", *, tokens: int = 10, seconds: float = 1.0, whole: bool | None = None
) -> Reply:
    """Return the reply of an attempt."""
    return Reply(text, tokens, end, seconds, whole=end in ("stop", "empty") if whole is None else whole)


def climbed(ladder: Fallback, replies: Iterable[Reply]) -> tuple[PageText, list[Request]]:
    """Answer the attempts of *ladder* with *replies* in turn; return the page's text and the attempts made."""
    flow, tries = ladder.flow(), []
    answers = iter(replies)
    tries.append(next(flow))
    while True:
        try:
            tries.append(flow.send(next(answers)))
        except StopIteration as end:
            assert isinstance(end.value, PageText)
            return end.value, tries
