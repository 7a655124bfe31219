"""Slow or stuck: when a reading has taken longer than the settings allow. Pure."""

from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.core.errors import Reason
from dropscribe.host.values import Reading

STOP_ANSWER = 10.0  # seconds in which a reading must heed a request to stop


def _limits(reading: Reading, settings: Settings) -> Iterator[tuple[float, Reason, str]]:
    """Yield every limit in force: (monotonic moment, reason, sentence).

    The engine keeps its own time between tokens; these are for what hangs in native code, so a margin is added.
    """
    engine, intake = settings.engine, settings.intake
    if reading.decoding_since is not None:
        sentence = f"Decoding page {reading.page} took longer than intake.decode_timeout ({intake.decode_timeout:g} s)."
        yield reading.decoding_since + intake.decode_timeout, Reason.DECODE_TIMEOUT, sentence
    if reading.attempt_since is not None:
        sentence = f"Reading page {reading.page} took longer than engine.page_timeout ({engine.page_timeout:g} s)."
        yield reading.attempt_since + _with_margin(engine.page_timeout), Reason.ENGINE_TIMEOUT, sentence
    if reading.page_since is not None:
        sentence = (
            f"All attempts at page {reading.page} took longer than engine.page_budget ({engine.page_budget:g} s)."
        )
        yield reading.page_since + _with_margin(engine.page_budget), Reason.ENGINE_TIMEOUT, sentence
    elif reading.decoding_since is None:
        yield _between_pages(reading, settings)
    if reading.stopping_since is not None:
        yield reading.stopping_since + STOP_ANSWER, Reason.PRESSURE, "The reading did not stop when it was asked to."


def _between_pages(reading: Reading, settings: Settings) -> tuple[float, Reason, str]:
    """Return the limit on opening the file, and on writing the results; that nobody begins is no file's fault."""
    opening, limit = 2 * settings.intake.decode_timeout, _with_margin(settings.engine.page_budget)
    if not reading.taken_up:
        return reading.quiet_since + opening, Reason.ENGINE_TIMEOUT, f"The engine did not begin within {opening:g} s."
    if reading.pages == 0:
        sentence = f"Opening the file took longer than {opening:g} s."
        return reading.quiet_since + opening, Reason.DECODE_TIMEOUT, sentence
    return reading.quiet_since + limit, Reason.ENGINE_TIMEOUT, f"Writing the results took longer than {limit:g} s."


def _with_margin(limit: float) -> float:
    return limit * 1.1 + 2


def stuck(reading: Reading, settings: Settings, now: float) -> tuple[Reason, str] | None:
    """Return why the reading in hand has to be ended now, if it has to."""
    over = [(moment, reason, what) for moment, reason, what in _limits(reading, settings) if now >= moment]
    return min(over)[1:] if over else None


def deadline(reading: Reading, settings: Settings) -> float:
    """Return the earliest moment at which the reading in hand could be stuck."""
    return min(moment for moment, _, _ in _limits(reading, settings))
