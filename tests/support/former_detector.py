"""The loop detector as it was until November 2026, which rescans the ids: the reference for the incremental one.

A loop is a period of 1 to 128 tokens with at least 3 copies over at least 48 tokens (the bounds of vllm-mlx
pull request 723). Two kinds of correct answers look like that and need longer evidence: empty table cells, and rows of
boxes with nothing between them, whose figures differ (`fold_boxes` makes drifting boxes equal first).
"""

import re
from collections.abc import Callable, Collection, Sequence

from dropscribe.engines.vlm.repetition import (
    BOX_COPIES,
    COPIES,
    EMPTY_CELLS_SPAN,
    EVERY,
    LONGEST_PERIOD,
    NEVER,
    SPAN,
    Loop,
)

LOOK_BACK = 512  # tokens seen by the check while generating

_DIGITS = re.compile(r"\d+")


class FormerLoopDetector:
    """Looks for loops in the ids of one attempt; tokens differ by id, figures inside boxes do not count."""

    def __init__(self, spelling: Callable[[int], str], cells: Collection[int] = ()) -> None:
        """Use *spelling* to see the text of a token; *cells* are the ids of table marks."""
        self._spelling = spelling
        self._cells = frozenset(cells)
        self._folded: list[int] = []
        self._classes: dict[str, int] = {}
        self._ids: list[int] = []
        self._in_box = False

    def push(self, token: int) -> None:
        """Take in one generated token."""
        self._ids.append(token)
        self._folded.append(self._fold(token))

    def _fold(self, token: int) -> int:
        """Return *token*, or, inside a box, a negative number that is equal for all spellings with other figures."""
        text = self._spelling(token)
        if text.startswith("<loc_"):  # a box of DocTags is four of these
            return self._classes.setdefault("<loc_>", -1 - len(self._classes))
        inside = self._in_box or "[[" in text or "<|det|>" in text
        self._in_box = inside and "]]" not in text and "<|/det|>" not in text
        if not inside or not _DIGITS.search(text):
            return token
        return self._classes.setdefault(_DIGITS.sub("0", text), -1 - len(self._classes))

    def due(self) -> bool:
        """Say whether it is time for `ending` again."""
        return len(self._ids) % EVERY == 0

    def ending(self) -> Loop | None:
        """Return the loop that the ids end in, or None."""
        if found := _at_end(self._ids, self._needed):
            return found
        return _at_end(self._folded, _boxes_needed)

    def anywhere(self) -> Loop | None:
        """Return the first loop in all ids, or None: for the end of an attempt, where a loop may lie behind."""
        return _first(self._ids, self._needed)

    def _needed(self, unit: Sequence[int]) -> int:
        """Return over how many tokens a repetition of *unit* must go to be called a loop."""
        span = EMPTY_CELLS_SPAN if self._cells.issuperset(unit) else SPAN
        return max(COPIES * len(unit), span)


def _boxes_needed(unit: Sequence[int]) -> int:
    """Return the same for folded ids, in which only boxes (below 0) count."""
    return BOX_COPIES * len(unit) if min(unit) < 0 else NEVER


def _at_end(ids: Sequence[int], needed: Callable[[Sequence[int]], int]) -> Loop | None:
    tail = ids[-max(LOOK_BACK, BOX_COPIES * LONGEST_PERIOD) :]
    for period in range(1, min(LONGEST_PERIOD, len(tail) // COPIES) + 1):
        span = needed(tail[-period:])
        if span <= len(tail) and tail[-(span - period) :] == tail[-span:-period]:
            return Loop(_begin(ids, len(ids) - span, period), len(ids), period)
    return None


def _begin(ids: Sequence[int], start: int, period: int) -> int:
    """Follow the repetition back to where it began."""
    while start > 0 and ids[start - 1] == ids[start - 1 + period]:
        start -= 1
    return start


def _first(ids: Sequence[int], needed: Callable[[Sequence[int]], int]) -> Loop | None:
    found: Loop | None = None
    for period in range(1, min(LONGEST_PERIOD, len(ids) // COPIES) + 1):
        run = 0  # tokens that equal the one a period before
        for at in range(period, len(ids) + 1):
            if at < len(ids) and ids[at] == ids[at - period]:
                run += 1
                continue
            start = at - run - period
            if run + period >= SPAN and run + period >= needed(ids[start : start + period]):
                if found is None or start < found.start:
                    found = Loop(start, at, period)
                break
            run = 0
    return found
