"""One attempt at a page: what is asked, then, token by token, what has come, when to end it, and what its end is worth.

Knows neither MLX nor pictures; it serves a page alone and a page in a batch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dropscribe.core.pages import PageKey
from dropscribe.engines.vlm import repetition
from dropscribe.engines.vlm.ngram_guard import NGramGuard
from dropscribe.engines.vlm.repetition import LoopDetector

if TYPE_CHECKING:
    from PIL.Image import Image

HITS_TO_END = 4  # bans that changed the outcome; after so many a model does not recover
RECOVERED = 64  # tokens of fresh text after the last ban, ended properly: the repetition was in the document
RECOVERED_HITS = 2


@dataclass(frozen=True)
class Request:
    """One attempt to be made: a picture, how to look at it, what to ask, and for how long."""

    page: PageKey
    mode: str  # as recorded; the first word is the mode proper
    prompt: str  # as recorded: a preset's name or literal words
    image: "Image"
    from_pdf: bool
    seconds: float
    limit: int  # tokens


@dataclass(frozen=True)
class Reply:
    """What one attempt gave."""

    text: str  # decoded, special tokens included, cut after the first copy of a loop
    tokens: int  # generated, the end mark not counted
    end: str  # stop | length | loop | empty | timeout | error
    seconds: float
    whole: bool = False  # the text goes to the end of the page as far as the model is concerned
    detail: str = ""  # what an error said


@dataclass
class AttemptState:
    """Follows the tokens of one attempt."""

    guard: NGramGuard
    detector: LoopDetector
    eos: frozenset[int]
    limit: int  # tokens
    begun: float  # monotonic seconds
    seconds: float  # allowed from then on
    ids: list[int] = field(default_factory=list)

    def take(self, token: int, now: float) -> str | None:
        """Take in one token at the monotonic time *now*; return how the attempt ended, or None while it continues."""
        if token in self.eos:
            return "stop"
        self.ids.append(token)
        self.detector.push(token)
        if len(self.guard.hits) >= HITS_TO_END or (self.detector.due() and self.detector.ending()):
            return "loop"
        if now - self.begun >= self.seconds:
            return "timeout"
        return "length" if len(self.ids) >= self.limit else None

    def reply(self, end: str, now: float, decode: Callable[[list[int]], str]) -> Reply:
        """Judge the attempt that ended with *end* at *now*: a loop that the guard broke up looks clean but is none."""
        loop = self._loop()
        if loop is not None and end in ("stop", "length"):
            recovered = end == "stop" and self._recovered()
            end = "loop"
        else:
            recovered = False
        kept = self.ids if loop is None or recovered else self.ids[: repetition.first_copy(self.ids, loop)]
        text = decode(kept)
        if end == "stop" and not text.strip():
            end = "empty"
        return Reply(text, len(self.ids), end, now - self.begun, whole=end in ("stop", "empty") or recovered)

    def _loop(self) -> repetition.Loop | None:
        """Return the first loop there is evidence for: seen in the ids, or broken up by the guard."""
        seen = self.detector.anywhere() or self.detector.ending()
        if not self.guard.hits:
            return seen
        at = self.guard.hits[0]
        broken = repetition.repeated_before(self.ids, min(at, len(self.ids)), self.guard.window)
        if broken is None or (seen is not None and seen.start < broken.start):
            return seen or repetition.Loop(at, at, 1)
        return broken

    def _recovered(self) -> bool:
        """Say whether fresh text followed a repetition that the document itself may hold."""
        hits = self.guard.hits
        return 0 < len(hits) <= RECOVERED_HITS and len(self.ids) - hits[-1] >= RECOVERED
