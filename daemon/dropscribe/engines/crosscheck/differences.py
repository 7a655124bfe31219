"""Single words and numbers that the two readers have quite differently within a line that is the same otherwise.

One digit changes what a page says, so any that differs counts; a word counts when it is another one, not a misreading
of the same. A letter in the place of a digit (O for 0) speaks against nobody, nor does what only one reader has. Pure.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein, Opcodes

from dropscribe.engines.crosscheck.claims import TAKEN, Claims, Piece
from dropscribe.engines.crosscheck.letters import CJK, Letters

TELLING_DIGITS = 3  # digits; shorter numbers are like any other
SLIPS = 2  # digits exchanged or changed
LONG = 4  # letters; shorter words are like too many others
ANOTHER = 60.0  # percent of likeness; misreadings of one word stay above

Span = tuple[int, int]  # letters, from and to


@dataclass(frozen=True)
class Difference:
    """A word or number of the model's (letters *start* to *end* of its text), and what a line has there."""

    start: int
    end: int
    heard: str
    piece: Piece


def differences(claims: Claims, sure: float) -> Iterator[Difference]:
    """Yield what differs on lines of at least *sure* confidence; numbers only where they are found nowhere else."""
    said = claims.said.text
    tokens = list(_tokens(claims.said))
    spare = Counter(said[a:b] for a, b in tokens) - Counter(_numbers(claims))
    lines = [piece for piece in claims.pieces if piece.line.confidence >= sure]
    for piece in lines:
        if piece.place is not None:
            yield from _within_line(piece, said, tokens, spare)
    yield from _alone([p for p in lines if p.place is None], claims, tokens, spare)


def _within_line(piece: Piece, said: str, tokens: Sequence[Span], spare: Counter[str]) -> Iterator[Difference]:
    assert piece.place is not None
    start, end = piece.place
    here = [(a, b) for a, b in tokens if start <= a and b <= end]
    if piece.text == said[start:end] or not here:
        return
    ops = Levenshtein.opcodes(piece.text, said[start:end])
    for a, b in here:
        own, other = said[a:b], _counterpart(piece.text, ops, a - start, b - start)
        if own.isdecimal():
            if spare[own] and _other_number(own, other):
                yield Difference(a, b, other, piece)
        elif len(other) >= LONG and fuzz.ratio(own, other) < ANOTHER:
            yield Difference(a, b, other, piece)


def _alone(lines: Sequence[Piece], claims: Claims, tokens: Sequence[Span], spare: Counter[str]) -> Iterator[Difference]:
    """Yield numbers in cells of their own: one that only the model has, and one much like it that it lacks."""
    said, free = claims.said.text, claims.free
    here = [(a, b) for a, b in tokens if b - a >= TELLING_DIGITS and spare[said[a:b]] and TAKEN not in free[a:b]]
    for piece in lines:
        for c, d in _tokens(piece.letters):
            other = piece.text[c:d]
            if other.isdecimal() and here:
                a, b = min(here, key=lambda at: Levenshtein.distance(said[at[0] : at[1]], other))
                if len(other) == b - a and Levenshtein.distance(said[a:b], other) <= SLIPS:
                    here.remove((a, b))
                    yield Difference(a, b, other, piece)


def _numbers(claims: Claims) -> Iterator[str]:
    for piece in claims.pieces:
        for a, b in _tokens(piece.letters):
            yield piece.text[a:b]


def _tokens(said: Letters) -> Iterator[Span]:
    """Yield where each number and each longer word begins and ends, in letters."""
    start = 0
    for i in range(1, len(said.text) + 1):
        if i < len(said.text) and said.together(i):
            continue
        if said.judged[start] and (said.is_digit(start) or i - start >= LONG) and not CJK.match(said.text[start]):
            yield start, i
        start = i


def _counterpart(line: str, ops: Opcodes, start: int, end: int) -> str:
    """Return the letters of *line* that stand where letters *start* to *end* of its place do."""
    first, last = len(line), 0
    for op in ops:
        if op.tag == "insert" or (op.dest_end <= start and op.tag != "delete") or op.dest_start >= end:
            continue
        if op.tag == "delete" and not start <= op.dest_start < end:
            continue
        low, high = op.src_start, op.src_end
        if op.tag != "delete":
            low, high = low + max(0, start - op.dest_start), high - max(0, op.dest_end - end)
        first, last = min(first, low), max(last, high)
    return line[first:last]


def _other_number(own: str, other: str) -> bool:
    """Say whether *other* has a digit in the place of another, one more, or one less."""
    digits = "".join(x for x in other if x.isdecimal())
    if len(other) == len(own):
        return any(x.isdecimal() and x != y for x, y in zip(other, own, strict=True))
    return other.isdecimal() and digits != own
