"""Lines of text: what was read where, and how much that is. It owns no order and no joining."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dropscribe.layout.geometry import Quad

CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True)
class Line:
    """One line as it was found: its corners in page pixels, what it says, how sure the recogniser is (0 to 1).

    `places` says where each character stands, `holes` where wide white begins and ends, as shares of the width.
    """

    quad: Quad
    text: str
    confidence: float
    places: tuple[float, ...] = ()
    holes: tuple[tuple[float, float], ...] = ()


def letters(lines: Sequence[Line]) -> int:
    """Return how many characters *lines* have."""
    return sum(len(line.text) for line in lines)


def weight(lines: Sequence[Line]) -> float:
    """Return how much was read: characters, each counted by the confidence of its line."""
    return sum(len(line.text) * line.confidence for line in lines)
