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
MOST_APART = 3  # times as long may be what stands in the place of a word
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
    """Yield what differs on lines of at least *sure* confidence, where neither reader has it anywhere else."""
    said = claims.said.text
    tokens = list(_tokens(claims.said))
    alone = _Alone(claims, tokens)
    lines = [piece for piece in claims.pieces if piece.line.confidence >= sure]
    for piece in lines:
        if piece.place is not None:
            for found in _within_line(piece, said, tokens):
                if alone.differ(said[found.start : found.end], found.heard):
                    yield found
    yield from alone.numbers([piece for piece in lines if piece.place is None])
    yield from alone.words([piece for piece in lines if piece.place is None])


def _within_line(piece: Piece, said: str, tokens: Sequence[Span]) -> Iterator[Difference]:
    assert piece.place is not None
    start, end = piece.place
    here = [(a, b) for a, b in tokens if start <= a and b <= end]
    if piece.text == said[start:end] or not here:
        return
    ops = Levenshtein.opcodes(piece.text, said[start:end])
    for a, b in here:
        own, other = said[a:b], _counterpart(piece.text, ops, a - start, b - start)
        if own.isdecimal():
            if _other_number(own, other):
                yield Difference(a, b, other, piece)
        elif len(other) >= LONG and fuzz.ratio(own, other) < ANOTHER:
            yield Difference(a, b, other, piece)


class _Alone:
    """What only one of the two readers has, wherever on the page."""

    def __init__(self, claims: Claims, tokens: Sequence[Span]) -> None:
        self._claims, self._tokens = claims, tokens
        self._said = claims.said.text
        self._heard = "\n".join(piece.text for piece in claims.pieces)
        own = Counter(self._said[a:b] for a, b in tokens)
        heard = Counter(piece.text[a:b] for piece in claims.pieces for a, b in _tokens(piece.letters))
        self._spare = own - heard

    def differ(self, own: str, other: str) -> bool:
        """Say whether only the model has *own*, and only the second reader *other*; whatever blanks say."""
        if own.isdecimal():
            return self._spare[own] > 0
        said, heard = self._said, self._heard
        return said.count(own) > heard.count(own) and heard.count(other) > said.count(other)

    def numbers(self, lines: Sequence[Piece]) -> Iterator[Difference]:
        """Yield numbers in cells of their own: of *lines* without a place, each with the number most like it."""
        here = [(a, b) for a, b in self._open_tokens() if b - a >= TELLING_DIGITS and self._spare[self._said[a:b]]]
        for piece in lines:
            for c, d in _tokens(piece.letters):
                other = piece.text[c:d]
                if other.isdecimal() and here:
                    a, b = min(here, key=lambda at: Levenshtein.distance(self._said[at[0] : at[1]], other))
                    if len(other) == b - a and Levenshtein.distance(self._said[a:b], other) <= SLIPS:
                        here.remove((a, b))
                        yield Difference(a, b, other, piece)

    def words(self, lines: Sequence[Piece]) -> Iterator[Difference]:
        """Yield the words that stand where a short one of *lines* without a place should, between its neighbours."""
        here = [(a, b) for a, b in self._open_tokens() if not self._said[a:b].isdecimal()]
        for piece in lines:
            before, after = self._claims.around(piece)
            within = [(a, b) for a, b in here if before <= a and b <= after]
            if len(within) == 1 and len(piece.text) >= LONG and after - before <= MOST_APART * len(piece.text):
                a, b = within[0]
                if fuzz.ratio(self._said[a:b], piece.text) < ANOTHER and self.differ(self._said[a:b], piece.text):
                    yield Difference(a, b, piece.text, piece)

    def _open_tokens(self) -> list[Span]:
        return [(a, b) for a, b in self._tokens if TAKEN not in self._claims.free[a:b]]


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
