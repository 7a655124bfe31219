"""The loop detector: does a run of token ids repeat itself, and where did that begin?

Pure. A loop is a period of 1 to 128 tokens with at least 3 copies over at least 48 tokens (the bounds of vllm-mlx
pull request 723). Two kinds of correct answers look like that and need longer evidence: empty table cells, and rows of
boxes with nothing between them, whose figures differ (folding makes drifting boxes equal first).

A token is kept as one letter of a string, so that a block of tokens is found again by `str.rfind`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_PERIOD = 128  # tokens
COPIES = 3
SPAN = 48  # tokens
EVERY = 16  # tokens between two checks while generating
EMPTY_CELLS_SPAN = 512  # tokens of nothing but table marks: a large empty form has as many
BOX_COPIES = 16  # boxes in a row without any text between them: a sheet of small pictures has nearly as many

NEVER = 1 << 60  # tokens
FOLDED = "\U00100000"  # the first letter that stands for boxes; ids lie far below (vocabularies have some 200,000)

# Tokens looked for at once. The shortest repetition that counts goes over 32 tokens after its first copy (period 16),
# with boxes over 15 (period 1); whatever goes over 2 n - 1 tokens covers one whole block of n, so none is overlooked.
BLOCK, BOX_BLOCK = 16, 8

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Loop:
    """A repetition: ids[start:end] has this period."""

    start: int
    end: int
    period: int


class _Token(NamedTuple):
    """What the spelling of a token tells: whether a box begins or ends in it, and its letter outside and inside one."""

    opens: bool
    closes: bool
    outside: str
    inside: str


class LoopDetector:
    """Looks for loops in the ids of one attempt; tokens differ by id, figures inside boxes do not count."""

    def __init__(self, spelling: Callable[[int], str], cells: Collection[int] = ()) -> None:
        """Use *spelling* to see the text of a token; *cells* are the ids of table marks."""
        self._spelling = spelling
        self._cells = "".join(map(chr, cells))
        self._tokens: dict[int, _Token] = {}
        self._classes: dict[str, str] = {}
        self._count = 0
        self._in_box = False
        self._exact = Repetitions(BLOCK, self._needed)
        self._boxes = Repetitions(BOX_BLOCK, _boxes_needed)

    def push(self, token: int) -> None:
        """Take in one generated token; some microseconds on average, however many came before."""
        known = self._tokens.get(token) or self._look_up(token)
        inside = self._in_box or known.opens
        self._in_box = inside and not known.closes
        self._count += 1
        self._exact.push(chr(token))
        self._boxes.push(known.inside if inside else known.outside)

    def _look_up(self, token: int) -> _Token:
        """Return what there is to know of *token*; inside a box all spellings with other figures get one letter."""
        text, letter = self._spelling(token), chr(token)
        if text.startswith("<loc_"):  # a box of DocTags is four of these
            box = self._class_of("<loc_>")
            known = _Token(False, False, box, box)
        else:
            opens, closes = "[[" in text or "<|det|>" in text, "]]" in text or "<|/det|>" in text
            inside = self._class_of(_DIGITS.sub("0", text)) if _DIGITS.search(text) else letter
            known = _Token(opens, closes, letter, inside)
        self._tokens[token] = known
        return known

    def _class_of(self, folded: str) -> str:
        return self._classes.setdefault(folded, chr(ord(FOLDED) + len(self._classes)))

    def due(self) -> bool:
        """Say whether it is time for `ending` again."""
        return self._count % EVERY == 0

    def ending(self) -> Loop | None:
        """Return the loop that the ids end in, or None."""
        return self._exact.at_end() or self._boxes.at_end()

    def anywhere(self) -> Loop | None:
        """Return the first loop in all ids, or None: for the end of an attempt, where a loop may lie behind."""
        return self._exact.first()

    def _needed(self, unit: str) -> int:
        """Return over how many tokens a repetition of *unit* must go to be called a loop."""
        span = SPAN if unit.strip(self._cells) else EMPTY_CELLS_SPAN
        return max(COPIES * len(unit), span)


def _boxes_needed(unit: str) -> int:
    """Return the same for folded ids, in which only boxes count."""
    return BOX_COPIES * len(unit) if max(unit) >= FOLDED else NEVER


class Repetitions:
    """Follows the repetitions in a growing string, of every period at once, a block of letters at a time."""

    def __init__(self, block: int, needed: Callable[[str], int]) -> None:
        """Look for blocks of *block* letters; *needed* tells over how many letters a repetition of a unit must go."""
        self._block, self._needed = block, needed
        self._text = ""  # whole blocks
        self._fresh: list[str] = []  # letters after them
        self._going: dict[int, int] = {}  # period: start, of repetitions that cover the last block
        self._first: Loop | None = None  # among those that have ended

    def push(self, letter: str) -> None:
        """Take in one letter."""
        self._fresh.append(letter)
        if len(self._fresh) == self._block:
            self._close_block()

    def _close_block(self) -> None:
        at = len(self._text)
        self._text += "".join(self._fresh)
        self._fresh.clear()
        before, self._going = self._going, self._covering(at)
        for period in before.keys() - self._going.keys():
            loop = Loop(before[period], _end(self._text, at, period), period)
            self._first = min(filter(None, (self._first, self._proven(loop))), key=_order, default=None)

    def _covering(self, at: int) -> dict[int, int]:
        """Return periods, shortest first, and starts of the repetitions that cover the block that begins at *at*.

        A period that fits into the block is found again at its multiples and nowhere else until its repetition began;
        they begin and end with it and need more evidence, so they are left out.
        """
        text, block, lowest = self._text, self._text[at:], max(0, at - LONGEST_PERIOD)
        found: dict[int, int] = {}
        place = text.rfind(block, lowest, len(text) - 1)
        while place >= 0:
            period = at - place
            start = self._going[period] if period in self._going else _begin(text, at, period)
            found[period] = start
            before = start if period <= self._block else place
            place = text.rfind(block, lowest, before + self._block - 1)
        return found

    def _proven(self, loop: Loop) -> Loop | None:
        """Return *loop* if it is long enough to be called one."""
        unit = self._text[loop.start : loop.start + loop.period]
        return loop if loop.end - loop.start >= self._needed(unit) else None

    def _open(self) -> Iterator[Loop]:
        """Yield the repetitions that cover the last whole block and are long enough, shortest period first."""
        if self._going:
            text = self._text + "".join(self._fresh)
            for period, start in self._going.items():
                if loop := self._proven(Loop(start, _end(text, len(self._text), period), period)):
                    yield loop

    def at_end(self) -> Loop | None:
        """Return the repetition with the shortest period that the string ends in, or None."""
        length = len(self._text) + len(self._fresh)
        return next((loop for loop in self._open() if loop.end == length), None)

    def first(self) -> Loop | None:
        """Return the repetition that begins first, or None."""
        return min(filter(None, (self._first, *self._open())), key=_order, default=None)


def _order(loop: Loop) -> tuple[int, int]:
    return loop.start, loop.period


def _begin(text: str, at: int, period: int) -> int:
    """Return where the repetition begins that goes on at *at*."""
    while at > period and text[at - 1] == text[at - 1 - period]:
        at -= 1
    return at - period


def _end(text: str, at: int, period: int) -> int:
    """Return where the repetition ends that goes on up to *at* at least."""
    while at < len(text) and text[at] == text[at - period]:
        at += 1
    return at


def first_copy(ids: Sequence[int], loop: Loop) -> int:
    """Return how many ids to keep so that one copy of *loop* is left."""
    return min(len(ids), loop.start + loop.period)


def repeated_before(ids: Sequence[int], at: int, window: int) -> Loop | None:
    """Return the repetition that ids[:at] end in with a period of at most *window*, however short it is."""
    best: Loop | None = None
    for period in range(1, min(window, at - 1) + 1):
        start = at
        while start > period and ids[start - 1] == ids[start - 1 - period]:
            start -= 1
        if start < at and (best is None or at - start > best.end - best.start - best.period):
            best = Loop(start - period, at, period)
    return best
