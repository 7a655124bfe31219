"""A page in the driver's hands: its encoded picture, the steps made at it, and what has gone wrong on the way."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from dropscribe.config import Settings
from dropscribe.core.pages import Page, PageKey
from dropscribe.engines.base import Judge, unjudged
from dropscribe.engines.remote import picture as pictures
from dropscribe.engines.remote.body import Asked
from dropscribe.engines.remote.families import Family
from dropscribe.engines.remote.picture import Picture
from dropscribe.engines.vlm.attempt import Request
from dropscribe.engines.vlm.fallback import Fallback, PageFlow

SMALLER = 0.7  # of the sides, and half of the tokens, where a server did not take the page


@dataclass
class Work:
    """One page."""

    fallback: Fallback
    whole: Picture
    flow: PageFlow
    attempt: Request
    begun: float | None = None  # monotonic: when this attempt was first sent
    deadline: float | None = None  # monotonic: `page_budget` after the first of all
    not_before: float = 0.0  # monotonic: no budget for another try until then
    avoid: object | None = None  # the server that failed on it last
    smaller: bool = False  # it was not taken as it is
    late: int = 0  # answers that did not come in time, of this attempt
    lost: int = 0  # servers lost with this page in their hands
    lost_alone: int = 0  # with this page and no other
    error_at: float | None = None  # monotonic: when a server first answered 500

    @property
    def key(self) -> PageKey:
        """Which page this is."""
        return self.fallback.page.key

    def next_attempt(self, attempt: Request) -> None:
        """Go on to another step."""
        self.attempt, self.begun, self.avoid, self.smaller, self.late = attempt, None, None, False, 0

    def picture(self, family: Family, kind: str) -> Picture:
        """Return what is sent for the present attempt, encoded as *kind*."""
        image = self.attempt.image
        sent = self.whole if image is self.fallback.page.image else pictures.encode(image, kind)
        view = family.adapter.arguments(self.attempt.mode.split()[0], *sent.size).get("image_size")
        longest = min(int(view or max(sent.size)), family.longest or max(sent.size))
        return pictures.scaled(sent, max(1, round(longest * (SMALLER if self.smaller else 1.0))))

    def asked(self, model: str, family: Family, *, guarded: bool) -> Asked:
        """Return what is asked for the present attempt."""
        guard = family.adapter.guard(self.attempt.from_pdf) if guarded and family.guarded else None
        limit = self.attempt.limit // 2 if self.smaller else self.attempt.limit
        return Asked(model, family.adapter.prompt(self.attempt.prompt), max(1, limit), guard)


def begin(page: Page, settings: Settings, family: Family, judge: Judge = unjudged) -> Work:
    """Return the work on a page: its decoded picture is let go at once, and decoded again where it is cut in two."""
    encoded = pictures.encode(page.image, settings.engine.remote.image)
    fallback = Fallback(replace(page, image=encoded.opened()), settings, family.adapter, judge)
    flow = fallback.flow()
    return Work(fallback, encoded, flow, next(flow))


@dataclass
class Refusals:
    """The pages that servers did not take, since they last took one: many of different files mean wrong settings."""

    MOST: ClassVar[int] = 3  # files in a row
    _documents: dict[int, set[int]] = field(default_factory=dict)  # by HTTP status

    def add(self, status: int, document: int) -> bool:
        """Note one; return whether there are too many."""
        seen = self._documents.setdefault(status, set())
        seen.add(document)
        return len(seen) >= self.MOST

    def clear(self) -> None:
        """Hear that a page was taken."""
        self._documents.clear()


class RetryBudget:
    """So many requests may be sent again in a minute, all pages and servers together: no storm after a fault."""

    MINUTE = 60.0

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: list[float] = []

    def wait(self, now: float) -> float:
        """Spend one; return the moment (monotonic) from which it may be sent."""
        self._times = [moment for moment in self._times if moment > now - self.MINUTE]
        at = now if len(self._times) < self._most else self._times[-self._most] + self.MINUTE
        self._times.append(at)
        return at
