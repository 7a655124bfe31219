"""The ladder of attempts at one page: which come in which order, when one is good, which is kept at the end.

A generator that yields attempts and is sent their replies, so that one driver may run pages one by one and another
many at once. It knows nothing of MLX. Order: the user's choice, a whole view instead of tiles, plain text instead of
layout, two overlapping halves; then the best that came. A rung that would ask this model the same of this page again is
left out: what is asked is decided by the adapter, and the answers are greedy.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Attempt, Check, Page, PageText
from dropscribe.engines.base import Judge, unjudged
from dropscribe.engines.vlm import halves
from dropscribe.engines.vlm.adapters import ADAPTERS, Adapter
from dropscribe.engines.vlm.attempt import Reply, Request
from dropscribe.engines.vlm.parsers.values import PageContext, Parsed

if TYPE_CHECKING:
    from PIL.Image import Image

READING = ("markdown", "text")  # prompts that want the whole text, and may stand in for each other
END_FLAGS: Mapping[str, tuple[str, ...]] = {
    "stop": (),
    "empty": ("empty",),
    "timeout": ("partial",),
    "error": ("partial",),
    "length": ("length", "partial"),
    "loop": ("loop", "partial"),
}
HALF_ENDS = ("empty", "stop", "error", "timeout", "length", "loop")  # from good to bad, for a page made of two

PageFlow = Generator[Request, Reply, PageText]


@dataclass(frozen=True)
class Step:
    """One step: how to look, what to ask, and whether the page is cut in two."""

    mode: str
    prompt: str
    halved: bool = False


@dataclass(frozen=True)
class Result:
    """A rung's outcome."""

    first: bool  # it was the user's own choice
    end: str  # the worse of two halves
    whole: bool
    parsed: Parsed
    check: Check | None = None  # a second reader's verdict, where there is one

    @property
    def clean(self) -> bool:
        """Whether nothing speaks against it."""
        return self.end == "stop" and self.parsed.boxes_good and bool(self.parsed.text)

    @property
    def agreed(self) -> bool:
        """Whether no second reader speaks against it either."""
        return self.clean and not (self.check is not None and self.check.disagrees)

    @property
    def score(self) -> tuple[bool, bool, float, bool, bool, bool, int]:
        """What to compare attempts by: agreed, clean, agreement, whole, no loop, good boxes, length."""
        agreement = self.check.agreement if self.check is not None else None
        marks = (self.whole, self.end != "loop", self.parsed.boxes_good)
        return (self.agreed, self.clean, agreement or 0.0, *marks, len(self.parsed.text))


def fallback_steps(mode: str, prompt: str) -> Iterator[Step]:
    """Yield the steps for the user's *mode* and *prompt*, the user's own first, each once."""
    steps = [Step(mode, prompt), Step("gundam", prompt), Step("base", prompt)]
    if prompt in READING:
        other = READING[1 - READING.index(prompt)]
        steps += [Step("gundam", other), Step("gundam", prompt, halved=True)]
    yield from dict.fromkeys(steps)


def distinct(steps: Iterable[Step], adapter: Adapter, width: int, height: int) -> Iterator[Step]:
    """Yield those *steps* that ask a model something new of a page of that many pixels."""
    taken: list[Step] = []
    for step in steps:
        asked = (step.mode, step.prompt)
        if not any(
            step.halved == other.halved and adapter.same(asked, (other.mode, other.prompt), width, height)
            for other in taken
        ):
            taken.append(step)
            yield step


@dataclass
class Budget:
    """The seconds a page may still take, as the attempts report them."""

    left: float
    attempt: float

    def allow(self) -> float:
        """Return the seconds for the next attempt."""
        return min(self.left, self.attempt)


@dataclass
class Fallback:
    """The attempts at one page."""

    page: Page
    settings: Settings
    adapter: Adapter = ADAPTERS["deepseekocr"]
    judge: Judge = unjudged
    attempts: list[Attempt] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    detail: str = ""

    def flow(self) -> PageFlow:
        """Yield attempts until one is good or none is left; return the page's text.

        Raises `ReasonedError` (no-text) when no attempt gave any text and none said the page is empty.
        """
        engine = self.settings.engine
        budget = Budget(engine.page_budget, engine.page_timeout)
        steps = fallback_steps(engine.mode, engine.prompt)
        for step in distinct(steps, self.adapter, self.page.width, self.page.height):
            if budget.left <= 0:
                break
            result = yield from (self._halves(step, budget) if step.halved else self._whole(step, budget))
            if result.clean:
                parsed = result.parsed
                result = replace(result, check=self.judge(self.page, parsed.text, parsed.blocks))
            self.results.append(result)
            if result.agreed:
                break
        return self._kept()

    def _whole(self, step: Step, budget: Budget) -> Generator[Request, Reply, Result]:
        return (yield from self._try(step, step.mode, self.page.image, budget))

    def _halves(self, step: Step, budget: Budget) -> Generator[Request, Reply, Result]:
        (above, _, _), (below, left, top) = halves.cut(self.page.image)
        first = yield from self._try(step, f"{step.mode} half 1", above, budget)
        if budget.left <= 0:
            return replace(first, end="timeout", whole=False)
        second = yield from self._try(step, f"{step.mode} half 2", below, budget, first.parsed.figures)
        both = halves.joined(first.parsed, second.parsed, left, top)
        # One half may well be empty; any other fault of one is a fault of the page.
        end = max(first.end, second.end, key=HALF_ENDS.index)
        return Result(False, end, first.whole and second.whole, both)

    def _try(
        self, step: Step, mode: str, image: "Image", budget: Budget, figures: int = 0
    ) -> Generator[Request, Reply, Result]:
        """Yield one attempt, take its reply, and put both on record."""
        limit = self.settings.engine.max_tokens
        reply = yield Request(
            page=self.page.key,
            mode=mode,
            prompt=step.prompt,
            image=image,
            from_pdf=self.page.from_pdf,
            seconds=budget.allow(),
            limit=limit,
        )
        budget.left -= reply.seconds
        self.detail = reply.detail or self.detail
        parsed = self.adapter.parse(reply.text, self._context(image, figures))
        end = "empty" if reply.end == "stop" and not parsed.text else reply.end
        self.attempts.append(Attempt(mode, step.prompt, reply.tokens, round(reply.seconds, 3), end))
        return Result(len(self.attempts) == 1, end, reply.whole, parsed)

    def _context(self, image: "Image", figures: int) -> PageContext:
        output = self.settings.output
        return PageContext(
            width=image.width,
            height=image.height,
            number=self.page.number,
            markdown_tables=output.tables == "markdown",
            figure_marks=output.figures,
            figures=figures,
        )

    def _kept(self) -> PageText:
        best = max(self.results, key=lambda result: result.score)
        if not best.parsed.text:
            empty = [result for result in self.results if result.end == "empty"]
            if not empty:
                raise ReasonedError(Reason.NO_TEXT, self._failure())
            best = empty[0]
        page, parsed = self.page, best.parsed
        return PageText(
            document=page.document,
            number=page.number,
            width=page.width,
            height=page.height,
            text=parsed.text,
            markdown=parsed.markdown,
            blocks=parsed.blocks,
            rotation=page.rotation,
            text_source="ocr",
            flags=tuple(dict.fromkeys((*page.flags, *_flags(best)))),
            check=best.check,
            attempts=tuple(self.attempts),
            seconds=round(sum(attempt.seconds for attempt in self.attempts), 3),
        )

    def _failure(self) -> str:
        ends = ", ".join(f"{a.mode} {a.end}" for a in self.attempts)
        said = f" The last error: {self.detail[:300]}" if self.detail else ""
        return f"No attempt at page {self.page.number} gave any text ({ends}).{said}"


def _flags(result: Result) -> tuple[str, ...]:
    flags = END_FLAGS[result.end]
    if result.whole:
        flags = tuple(flag for flag in flags if flag != "partial")
    if result.end == "stop" and not result.parsed.boxes_good:
        flags = ("partial",)  # its layout is not to be trusted, so neither is its completeness
    return flags if result.first else (*flags, "reduced-mode")
