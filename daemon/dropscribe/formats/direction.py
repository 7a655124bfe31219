"""Which words of a line stand where when it runs from right to left, or mixes directions.

A small part of the Unicode bidirectional algorithm (UAX #9), word by word: enough to place boxes and to write a PDF's
text in the order of its positions, which readers turn back. Embeddings and overrides are not followed.
"""

import unicodedata

_RIGHT = ("R", "AL")


def leans_right(word: str) -> bool:
    """Say whether *word* runs from right to left: it has a letter of such a script."""
    return any(unicodedata.bidirectional(char) in _RIGHT for char in word)


def visual_order(words: list[str]) -> tuple[list[int], bool]:
    """Return the indices of *words* as they stand from left to right, and whether the line runs from the right."""
    leans = [_lean(word) for word in words]
    if "R" not in leans:
        return list(range(len(words))), False
    base = next(lean for lean in leans if lean)
    settled = _settled(leans, base)
    runs: list[list[int]] = []
    for index, lean in enumerate(settled):
        # Words against the line's direction stay together; those along it are a run each.
        if runs and base != lean == settled[index - 1]:
            runs[-1].append(index)
        else:
            runs.append([index])
    if base == "R":
        return [index for run in reversed(runs) for index in run], True
    return [index for run in runs for index in reversed(run)], False


def _lean(word: str) -> str:
    """Return R or L for a word with letters, nothing for numbers and signs, which follow their neighbours."""
    if leans_right(word):
        return "R"
    return "L" if any(unicodedata.bidirectional(char) == "L" for char in word) else ""


def _settled(leans: list[str], base: str) -> list[str]:
    """Return *leans* with neutral words given the direction of both neighbours where these agree, else *base*."""
    before = _nearest(leans, base)
    after = _nearest(leans[::-1], base)[::-1]
    return [one if one == other else base for one, other in zip(before, after, strict=True)]


def _nearest(leans: list[str], base: str) -> list[str]:
    """Return each direction, or for a neutral word that of the nearest one before it that has any, else *base*."""
    found, nearest = base, []
    for lean in leans:
        found = lean or found
        nearest.append(found)
    return nearest
