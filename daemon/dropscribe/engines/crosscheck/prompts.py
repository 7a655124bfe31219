"""Which prompts ask for the text of a page, so that another reading of it can be compared with the answer. Pure."""

import re

WHOLE_TEXT = frozenset({"markdown", "text"})  # presets
_ASKS = re.compile(r"\b(?:ocr|transcri\w+|markdown|html|docling|docu\w* parsing|text)\b", re.IGNORECASE)
_ELSE = re.compile(
    r"\b(?:translat\w+|summar\w+|descri\w+|explain\w*|locate|figure|chart|count|answer|only|first|last|what|which|how|who)\b"
    r"|<\|ref\|>|\?",
    re.IGNORECASE,
)


def asks_for_text(prompt: str) -> bool:
    """Say whether *prompt*, a preset or own words, asks for all of a page's text as it stands there."""
    if prompt in WHOLE_TEXT:
        return True
    return bool(_ASKS.search(prompt)) and not _ELSE.search(prompt)
