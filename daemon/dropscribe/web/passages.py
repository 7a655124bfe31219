"""Which passages of a page's text stand where on it, and which are doubtful. Pure: strings, numbers and boxes."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LOW = 0.94  # confidence below which a line is marked: the mean below which the embedded engine doubts a whole page
TRIES = 50  # at a place for a piece that stands elsewhere than in its order
Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """A piece of the text, where it stands, and why it is doubted."""

    text: str
    block: int | None  # an index; None where that is unknown
    doubt: str  # empty | low | unconfirmed


def passages(text: str, blocks: Sequence[dict[str, Any]], unconfirmed: Sequence[dict[str, Any]] = ()) -> list[Passage]:
    """Return *text* cut into passages, in order; joined again they are the text."""
    places = _located(text, [str(block["text"]) for block in blocks])
    doubted = _located(text, [str(item["text"]) for item in unconfirmed])
    cuts = sorted({0, len(text), *_ends(places), *_ends(doubted)})
    found: list[Passage] = []
    at_block, at_doubt = _walk(places), _walk(doubted)
    for start, end in pairwise(cuts):
        block = at_block(start)
        low = block is not None and is_low(blocks[block])
        doubt = "unconfirmed" if at_doubt(start) is not None else "low" if low else ""
        found.append(Passage(text[start:end], block, doubt))
    return found


def is_low(block: dict[str, Any]) -> bool:
    """Say whether a block was read with little confidence."""
    return block["confidence"] is not None and block["confidence"] < LOW


def _ends(spans: Sequence[Span | None]) -> Iterator[int]:
    for span in spans:
        yield from span or ()


def _located(text: str, pieces: Sequence[str]) -> list[Span | None]:
    """Return where in *text* each of *pieces* stands, none over another; in their order, else wherever it is free."""
    spans: list[Span | None] = []
    taken: list[Span] = []
    cursor = 0
    for piece in pieces:
        wanted = piece.strip()
        span = _free(text, wanted, cursor, taken) or _free(text, wanted, 0, taken) if wanted else None
        spans.append(span)
        if span is not None:
            insort(taken, span)
            cursor = max(cursor, span[1])
    return spans


def _free(text: str, wanted: str, start: int, taken: Sequence[Span]) -> Span | None:
    """Return the first place of *wanted* from *start* on that nothing has *taken* (sorted); None after a few tries."""
    for _ in range(TRIES):
        at = text.find(wanted, start)
        if at < 0:
            return None
        end = at + len(wanted)
        before = bisect_left(taken, (end, 0)) - 1  # the last that begins before this one ends
        if before < 0 or taken[before][1] <= at:
            return at, end
        start = taken[before][1]
    return None


def _walk(spans: Sequence[Span | None]) -> Callable[[int], int | None]:
    """Return a function that tells which span a place is in; places must be asked for in order."""
    ordered = sorted((span, index) for index, span in enumerate(spans) if span is not None)
    position = 0

    def at(place: int) -> int | None:
        nonlocal position
        while position < len(ordered) and ordered[position][0][1] <= place:
            position += 1
        inside = position < len(ordered) and ordered[position][0][0] <= place
        return ordered[position][1] if inside else None

    return at
