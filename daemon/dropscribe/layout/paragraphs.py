"""Lines of a paragraph joined into one, and words put together that were hyphenated over a line's end."""

import re
from collections.abc import Sequence

from dropscribe.layout.lines import CJK

HYPHENATED = re.compile(r"(\w+)[-‐]$")
BEGINS = re.compile(r"^\w+")


def joined(lines: Sequence[str], words: set[str]) -> str:
    """Return *lines* as one; *words* are all that stand on the page, and say which hyphens belong to a word."""
    result = lines[0]
    for line in lines[1:]:
        result = _with(result, line, words)
    return result


def _with(text: str, line: str, words: set[str]) -> str:
    ends, begins = HYPHENATED.search(text), BEGINS.match(line)
    if ends and begins and line[0].islower():
        compound = f"{ends[1]}-{begins[0]}"
        # A word that is hyphenated in mid-line elsewhere keeps its hyphen; so do numbers and single letters.
        if compound in words or len(ends[1]) < 2 or ends[1][-1].isdigit():
            return text + line
        return text[:-1] + line
    seamless = CJK.match(text[-1:]) and CJK.match(line[:1])
    return text + line if seamless else text + " " + line
