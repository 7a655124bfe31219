"""Doubt about a page that was read: which flags say that a person should look at it, and why.

Two reasons: what was read is read with little confidence, or much of what stands there was not read at all (lines
without letters of any script that the weights know come out as dots, or not at all). The bounds lie between 199 pages
read right (the open corpora, and generated ones) and 28 that were blurred, reduced or in five other scripts.
"""

import statistics
from collections.abc import Sequence

import numpy as np

from dropscribe.engines.ppocr.pixels import Pixels, stands_out
from dropscribe.layout.geometry import Quads, edges, tall
from dropscribe.layout.lines import CJK, Line, letters, weight

LOW = 0.94  # mean confidence by letters; pages read right stay above .95
SHAKY, SHAKY_SHARE = 0.8, 0.15  # of the letters stand on lines of less confidence
UNREAD = 0.12  # of the length of all lines
SPARSE = 0.3  # letters and digits per line height of length; Chinese has about 1, Latin 1.5 to 2.5
GAPS = 0.018  # of all steps; pages read right have less than .01
TWICE = 2.0  # of the usual step
FEWEST_STEPS, ENOUGH_STEPS = 5, 30  # in a line, and on a page, that tell anything
LINE, LINES = 4, 2  # breadth for its height, and number, of quads that look like lines of text
NEARLY_ALL = 0.9  # of the ink; a quad that holds it is all that the picture shows
WORD = 3  # letters in a row; a line with leaders of dots has some, an unread one has none


def flags(lines: Sequence[Line], unread: float) -> tuple[str, ...]:
    """Return the flags for *lines*, where a share *unread* of the length of all that was found could not be read."""
    if not lines:
        return ("empty",) if unread > 0 else ()
    shaky = sum(len(line.text) for line in lines if line.confidence < SHAKY)
    low = weight(lines) < LOW * letters(lines) or shaky > SHAKY_SHARE * letters(lines)
    missing = unread + (1 - unread) * sparse_share(lines)
    return ("low-confidence",) * bool(low) + ("unread",) * bool(missing > UNREAD or gap_share(lines) > GAPS)


def sparse_share(lines: Sequence[Line]) -> float:
    """Return which share of the length of *lines* holds hardly a letter for its length."""
    lengths = [max(edges(line.quad)) for line in lines]
    sparse = [length for line, length in zip(lines, lengths, strict=True) if is_sparse(line)]
    return sum(sparse) / max(1e-6, sum(lengths))


def gap_share(lines: Sequence[Line]) -> float:
    """Return which share of the steps from letter to letter within words are twice as long as usual: letters left out.

    Letters with marks that the weights lack (Vietnamese, Greek) vanish from words that are read with confidence.
    """
    wide = steps = 0
    for line in lines:
        pairs = list(zip(line.places, line.places[1:], line.text, line.text[1:], strict=False))
        within = [b - a for a, b, first, second in pairs if first.isalnum() and second.isalnum()]
        if len(within) >= FEWEST_STEPS and not CJK.search(line.text):
            usual = statistics.median(within)
            wide += sum(step > TWICE * usual for step in within)
            steps += len(within)
    return wide / steps if steps >= ENOUGH_STEPS else 0.0


def is_sparse(line: Line) -> bool:
    """Say whether *line* has far fewer letters than its box has room for."""
    width, height = edges(line.quad)
    if tall(line.quad):
        width, height = height, width
    found = sum(character.isalnum() for character in line.text)
    word = run = 0
    for character in line.text:
        run = run + 1 if character.isalnum() else 0
        word = max(word, run)
    return found < SPARSE * width / height and (word < WORD or line.confidence < SHAKY)


def textlike(picture: Pixels, quads: Quads) -> bool:
    """Say whether *quads* look like lines of text: several do, or the only one that does holds the picture's ink."""
    lines = [quad for quad in quads if max(edges(quad)) > LINE * min(edges(quad))]
    if len(lines) != 1:
        return len(lines) >= LINES
    ink = stands_out(picture)
    (x0, y0), (x1, y1) = np.maximum(lines[0].min(axis=0), 0).astype(int), np.ceil(lines[0].max(axis=0)).astype(int)
    return int(ink[y0:y1, x0:x1].sum()) >= max(1.0, NEARLY_ALL * int(ink.sum()))
