"""The verdict on a page: what the model says and nothing supports, what it leaves out, which words and numbers differ.

An accusation rests on two looks of the second reader: what either has seen is confirmed, and only what both have seen
is missing, or other than the model has it. Where it could not read enough itself, it accuses nobody. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rapidfuzz import fuzz

from dropscribe.core.pages import Block, Box, Check, Passage
from dropscribe.engines.crosscheck.claims import CLOSE, Piece
from dropscribe.engines.crosscheck.comparison import Comparison, size
from dropscribe.engines.crosscheck.differences import Difference
from dropscribe.engines.crosscheck.letters import letters
from dropscribe.engines.crosscheck.values import Reading

PASSAGE = 20.0  # letters from which a passage counts: some four or five words
LEAST, MOST = 8.0, 0.8  # on a page of little text: at least so many letters, and this share of all
KNOWN = 0.75  # agreement from which a reader that doubts its own eyes is seen to know the script all the same
BEGINNING = 16  # letters by which a passage is found in a block
# Blocks whose inner text a model does not give, or gives in a notation of its own.
PICTURES = frozenset({"image", "figure", "chart", "picture", "photo", "logo", "seal", "formula", "equation"})

T = TypeVar("T")


@dataclass(frozen=True)
class Faults:
    """What speaks against a text."""

    unconfirmed: tuple[tuple[int, int], ...] = ()  # letters of the text, from and to
    missing: tuple[tuple[Piece, ...], ...] = ()
    differences: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unconfirmed or self.missing or self.differences)


def compare(text: str, first: Reading, again: Callable[[], Reading], name: str, blocks: Sequence[Block] = ()) -> Check:
    """Return the verdict of the reader called *name* on *text*; *blocks* are the text's, for their boxes.

    *again* is asked for another look only where the *first* finds a fault.
    """
    pictures = [block.box for block in blocks if block.box is not None and block.label in PICTURES]
    look = Comparison(text, first, pictures)
    if not first.able and look.agreement() < KNOWN:
        return Check(None, None)
    faults = _faults(look) if first.sure else Faults()
    if faults:
        faults = _upheld(look, Comparison(text, again(), pictures))
    return Check(name, look.agreement(), _said(look, faults, blocks), _left_out(faults))


def _faults(look: Comparison) -> Faults:
    """Return what one look speaks of, its own doubts taken off."""
    least = min(PASSAGE, max(LEAST, MOST * max(look.own, look.heard)))
    said = _beyond(((look.unconfirmed_weight(span), span) for span in look.unconfirmed()), least, look.unread)
    left_out = _beyond(((size(row), tuple(row)) for row in look.missing()), least, look.foreign)
    return Faults(tuple(sorted(said)), tuple(left_out), tuple(look.differences))


def _upheld(look: Comparison, other: Comparison) -> Faults:
    """Return what *other*, a second look, speaks of too."""
    look.confirmed = [one or two for one, two in zip(look.confirmed, other.confirmed, strict=True)]
    faults = _faults(look)
    seen = "\n".join(piece.text for piece in other.claims.pieces)
    rows = [tuple(p for p in row if fuzz.partial_ratio(p.text, seen) >= CLOSE) for row in faults.missing]
    kept = tuple(both for both, row in zip(rows, faults.missing, strict=True) if size(both) >= size(row) / 2)
    same = {(d.start, d.end, d.heard) for d in other.differences}
    differ = tuple(d for d in look.differences if (d.start, d.end, d.heard) in same)
    return Faults(faults.unconfirmed, kept, differ)


def _beyond(passages: Iterable[tuple[float, T]], least: float, doubt: float) -> list[T]:
    """Return the passages of at least *least* letters, the largest first, less those that *doubt* accounts for."""
    found = []
    for letters_, passage in sorted(passages, key=lambda pair: -pair[0]):
        if letters_ < least:
            break
        if doubt >= letters_ / 2:
            doubt -= letters_
        else:
            found.append(passage)
    return found


def _said(look: Comparison, faults: Faults, blocks: Sequence[Block]) -> tuple[Passage, ...]:
    spans = sorted([*faults.unconfirmed, *((d.start, d.end) for d in faults.differences)])
    return tuple(Passage(look.said.passage(a, b), _box_of(look.said.text[a:b], blocks)) for a, b in spans)


def _left_out(faults: Faults) -> tuple[Passage, ...]:
    rows = [
        Passage(" ".join(p.letters.source.strip() for p in row), _around([p.line.box for p in row]))
        for row in faults.missing
    ]
    return (*rows, *(Passage(d.piece.line.text, d.piece.line.box) for d in faults.differences))


def _box_of(passage: str, blocks: Sequence[Block]) -> Box | None:
    """Return the box of the block in which *passage* begins, where grounding gives one."""
    for block in blocks:
        if block.box is not None and passage[:BEGINNING] in letters(block.text).text:
            return block.box
    return None


def _around(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))
