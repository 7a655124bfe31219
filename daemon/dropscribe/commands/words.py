"""Numbers as people say them: durations, ages, times of day, counts, what is left; and lines that fit a terminal."""

import unicodedata
from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def span(seconds: float) -> str:
    """Return a duration in one unit: `45 s`, `12 min`, `5 h`, `3 days`."""
    if seconds < 1.5 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 1.5 * DAY else f"{seconds / DAY:.0f} days"


def ago(stamp: str | None, now: datetime) -> str:
    """Return how long ago an ISO 8601 moment was; empty without one."""
    if stamp is None:
        return ""
    seconds = (now - datetime.fromisoformat(stamp)).total_seconds()
    return "just now" if seconds < 2 else f"{span(seconds)} ago"


def clock(stamp: str | None, now: datetime) -> str:
    """Return an ISO 8601 moment as local time, with its day where that is not today's; `unknown` without one."""
    if stamp is None:
        return "unknown"
    moment = datetime.fromisoformat(stamp).astimezone(now.tzinfo)
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def left(done: float, total: float, seconds: float) -> str:
    """Return what is left of *total* at the pace so far (`about 4 min left`); empty while that says nothing."""
    if not 0 < done < total or seconds < 1:
        return ""
    return f"about {span(seconds / done * (total - done))} left"


def columns(text: str) -> int:
    """Return how many columns of a terminal *text* takes (UAX 11: wide and full-width signs take two)."""
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Return *text* cut to *width* columns, with an ellipsis where something was cut off."""
    if columns(text) <= width:
        return text
    room, kept = width - 1, ""
    for sign in text:
        room -= _columns(sign)
        if room < 0:
            break
        kept += sign
    return kept + "…"
