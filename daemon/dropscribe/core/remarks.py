"""What a person is told of the pages that two readers read differently. Pure."""

from collections.abc import Iterable

from dropscribe.core.pages import Check, PageText

PLEASE_CHECK = "please check"
NAMED = 5  # pages


def please_check(texts: Iterable[PageText]) -> str:
    """Return a sentence about the pages of *texts* whose second reader disagrees; nothing where none does."""
    checks = {text.number: text.check for text in texts if text.check is not None and text.check.disagrees}
    if not checks:
        return ""
    pages = [str(number) for number in checks]
    named = ", ".join(pages[:NAMED]) + (f" and {len(pages) - NAMED} more" if len(pages) > NAMED else "")
    return f"{PLEASE_CHECK} page{'s' * (len(pages) > 1)} {named}: {_counted(checks.values())}"


def passages(text: PageText) -> list[str]:
    """Return one line for each passage that the two readers of a page do not share."""
    if text.check is None:
        return []
    sides = (("not confirmed", text.check.unconfirmed), ("left out", text.check.missing))
    return [f"page {text.number}, {what}: {passage.text}" for what, found in sides for passage in found]


def _counted(checks: Iterable[Check]) -> str:
    found = list(checks)
    unconfirmed, missing = (sum(len(getattr(c, side)) for c in found) for side in ("unconfirmed", "missing"))
    words = [f"{unconfirmed} passage{'s' * (unconfirmed > 1)} not confirmed"] if unconfirmed else []
    if missing:
        words.append(f"{missing} {'passage' + 's' * (missing > 1) + ' ' if not words else ''}left out")
    return ", ".join(words)
