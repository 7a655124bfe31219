"""The order of reading on a line that runs from right to left, or mixes directions, from where its letters stand.

The reverse of the Unicode bidirectional algorithm (UAX #9) for one level of embedding: enough for prose, figures and
foreign words. Pure: letters in, letters out.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from dropscribe.documents.pdf.letters import Letter

_SEPARATORS = ".,:/-+%\u00b0"  # stay with the digits they touch
WORD_GAP = 0.6  # of the height of the letters: words that PDFium leaves together
_PAIRS = ("()", "[]", "{}")


def runs_right_to_left(text: str) -> bool:
    """Say whether *text* has any letter of such a script."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def in_reading_order(line: Sequence[Letter]) -> list[Letter]:
    """Return the letters of *line*, each with a box, in the order in which they are read."""
    clusters = _spaced(sorted(_clusters(line), key=lambda cluster: _middle(cluster[0])))
    kinds = [_kind(cluster[0].text) for cluster in clusters]
    base = "R" if 2 * kinds.count("R") >= kinds.count("L") + kinds.count("R") else "L"
    settled = _settled(kinds, [cluster[0].text for cluster in clusters], base)
    runs: list[list[list[Letter]]] = []
    for index, cluster in enumerate(clusters):
        if index and settled[index] == settled[index - 1]:
            runs[-1].append(cluster)
        else:
            runs.append([cluster])
    directions = [kind for index, kind in enumerate(settled) if not index or settled[index - 1] != kind]
    ordered = [run[::-1] if way == "R" else run for run, way in zip(runs, directions, strict=True)]
    return [letter for run in (ordered[::-1] if base == "R" else ordered) for each in run for letter in each]


def paired(text: str) -> str:
    """Return *text* with brackets that open and close: PDFium turns over only those beside letters of such scripts."""
    for pair in _PAIRS:
        count = sum(char in pair for char in text)
        if count and count % 2 == 0 and text.count(pair[0]) != text.count(pair[1]):
            sides = iter(pair * (count // 2))
            text = "".join(next(sides) if char in pair else char for char in text)
    return text


def _clusters(line: Sequence[Letter]) -> list[list[Letter]]:
    """Return each letter with the marks on it, which stand at the same place."""
    clusters: list[list[Letter]] = []
    for letter in line:
        if clusters and unicodedata.category(letter.text[:1] or " ") == "Mn":
            clusters[-1].append(letter)
        else:
            clusters.append([letter])
    return clusters


def _spaced(clusters: list[list[Letter]]) -> list[list[Letter]]:
    """Return *clusters*, which stand from left to right, with a blank where there is room for one and none is."""
    spaced = clusters[:1]
    for before, after in pairwise(clusters):
        one, other = before[0], after[0]
        if one.box and other.box and one.text.strip() and other.text.strip():
            gap, height = other.box[0] - one.box[2], max(one.box[3] - one.box[1], other.box[3] - other.box[1])
            if gap > WORD_GAP * height:
                spaced.append([Letter(" ", (one.box[2], one.box[1], other.box[0], one.box[3]))])
        spaced.append(after)
    return spaced


def _middle(letter: Letter) -> float:
    return (letter.box[0] + letter.box[2]) / 2 if letter.box else 0.0


def _kind(text: str) -> str:
    """Return R or L for a letter, N for a digit, nothing for signs and blanks."""
    kind = unicodedata.bidirectional(text[:1] or " ")
    return {"R": "R", "AL": "R", "L": "L", "EN": "N", "AN": "N"}.get(kind, "")


def _settled(kinds: Sequence[str], texts: Sequence[str], base: str) -> list[str]:
    """Return R or L for each place, left to right; digits run like L, and signs like both of their neighbours."""
    settled = ["L" if kind == "N" else kind or base for kind in kinds]
    index = 0
    while index < len(kinds):
        end = index
        while end < len(kinds) and not kinds[end]:
            end += 1
        if index < end and index > 0 and end < len(kinds):
            figures = kinds[index - 1] == kinds[end] == "N"
            joined = not figures or all(text in _SEPARATORS for text in texts[index:end])
            if settled[index - 1] == settled[end] and joined:
                settled[index:end] = [settled[end]] * (end - index)
        index = max(end, index + 1)
    return settled
