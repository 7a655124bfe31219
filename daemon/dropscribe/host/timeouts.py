"""Slow or stuck: when a reading has taken longer than the settings allow. Pure."""

from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.core.errors import Reason
from dropscribe.host.values import ActiveJob

STOP_ANSWER = 10.0  # seconds in which a reading must heed a request to stop


def _limits(active: ActiveJob, settings: Settings) -> Iterator[tuple[float, Reason, str]]:
    """Yield every limit in force: (monotonic moment, reason, sentence).

    The engine keeps its own time between tokens; these are for what hangs in native code, so a margin is added.
    """
    engine, intake = settings.engine, settings.intake
    if active.decoding_since is not None:
        sentence = f"Decoding page {active.page} took longer than intake.decode_timeout ({intake.decode_timeout:g} s)."
        yield active.decoding_since + intake.decode_timeout, Reason.DECODE_TIMEOUT, sentence
    if active.attempt_since is not None:
        sentence = f"Reading page {active.page} took longer than engine.page_timeout ({engine.page_timeout:g} s)."
        yield active.attempt_since + _with_margin(engine.page_timeout), Reason.ENGINE_TIMEOUT, sentence
    if active.page_since is not None:
        sentence = f"All attempts at page {active.page} took longer than engine.page_budget ({engine.page_budget:g} s)."
        yield active.page_since + _with_margin(engine.page_budget), Reason.ENGINE_TIMEOUT, sentence
    elif active.decoding_since is None:
        yield _between_pages(active, settings)
    if active.stopping_since is not None:
        yield active.stopping_since + STOP_ANSWER, Reason.PRESSURE, "The reading did not stop when it was asked to."


def _between_pages(active: ActiveJob, settings: Settings) -> tuple[float, Reason, str]:
    """Return the limit on opening the file, and on writing the results; that nobody begins is no file's fault."""
    opening, limit = 2 * settings.intake.decode_timeout, _with_margin(settings.engine.page_budget)
    if not active.taken_up:
        return active.quiet_since + opening, Reason.ENGINE_TIMEOUT, f"The engine did not begin within {opening:g} s."
    if active.pages == 0:
        sentence = f"Opening the file took longer than {opening:g} s."
        return active.quiet_since + opening, Reason.DECODE_TIMEOUT, sentence
    return active.quiet_since + limit, Reason.ENGINE_TIMEOUT, f"Writing the results took longer than {limit:g} s."


def _with_margin(limit: float) -> float:
    return limit * 1.1 + 2


def stuck(active: ActiveJob, settings: Settings, now: float) -> tuple[Reason, str] | None:
    """Return why the reading in hand has to be ended now, if it has to."""
    over = [(moment, reason, what) for moment, reason, what in _limits(active, settings) if now >= moment]
    return min(over)[1:] if over else None


def deadline(active: ActiveJob, settings: Settings) -> float:
    """Return the earliest moment at which the reading in hand could be stuck."""
    return min(moment for moment, _, _ in _limits(active, settings))
