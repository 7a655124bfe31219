"""Slow or stuck: when the worker has taken longer than the settings allow. Pure.

Every page in the engine's hands has clocks of its own: one that hangs is noticed by its own limit, whatever the others
do. Decoding and rendering have their limits in the worker, which outlives its decoders.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from dropscribe.config import Settings
from dropscribe.core.errors import Reason
from dropscribe.host.values import ActiveJob, PageClock

STOP_ANSWER = 10.0  # seconds in which the worker must heed a request to stop


class Limit(NamedTuple):
    """A moment (monotonic) after which the worker is stuck, why, and what to say."""

    moment: float
    reason: Reason
    detail: str


def limits(
    jobs: Collection[ActiveJob], settings: Settings, heard_at: float, stopping_since: float | None
) -> Iterator[Limit]:
    """Yield every limit in force.

    The engine keeps its own time between tokens; these are for what hangs in native code, so a margin is added.
    """
    for active in jobs:
        for page, clock in active.clocks.items():
            yield from _page(page, clock, *_allowed(active, settings))
    if jobs and not any(active.clocks for active in jobs):
        yield _silence(jobs, settings, heard_at)
    if jobs and stopping_since is not None:
        yield Limit(stopping_since + STOP_ANSWER, Reason.PRESSURE, "The engine did not stop when it was asked to.")


def _silence(jobs: Collection[ActiveJob], settings: Settings, heard_at: float) -> Limit:
    """Return how long the worker may say nothing while it only opens, decodes or writes, which it bounds itself."""
    step = max(_decoding(active, settings) for active in jobs)
    if not any(active.begun for active in jobs):
        return Limit(heard_at + 2 * step, Reason.ENGINE_TIMEOUT, f"The engine did not begin within {2 * step:g} s.")
    quiet = step * (3 + max(active.pages for active in jobs))
    return Limit(heard_at + quiet, Reason.ENGINE_TIMEOUT, f"The engine's process was silent for {quiet:g} s.")


def _allowed(active: ActiveJob, settings: Settings) -> tuple[float, float]:
    """Return the seconds for one attempt and for all at a page, by the settings of its file."""
    if active.order.settings is None:
        return settings.engine.page_timeout, settings.engine.page_budget
    engine = active.order.settings["engine"]
    return engine["page_timeout"], engine["page_budget"]


def _decoding(active: ActiveJob, settings: Settings) -> float:
    """Return the seconds for decoding a page, by the settings of its file."""
    own = active.order.settings
    return settings.intake.decode_timeout if own is None else float(own["intake"]["decode_timeout"])


def _page(page: int, clock: PageClock, attempt: float, budget: float) -> Iterator[Limit]:
    what = f"Reading page {page} took longer than engine.page_timeout ({attempt:g} s)."
    yield Limit(clock.attempt_since + _with_margin(attempt), Reason.ENGINE_TIMEOUT, what)
    what = f"All attempts at page {page} took longer than engine.page_budget ({budget:g} s)."
    yield Limit(clock.page_since + _with_margin(budget), Reason.ENGINE_TIMEOUT, what)


def _with_margin(limit: float) -> float:
    return limit * 1.1 + 2
