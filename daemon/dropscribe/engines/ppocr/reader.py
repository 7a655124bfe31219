"""One page with PP-OCR: a first look that is enough as a rule, and further looks where it found nothing.

It owns which looks are tried, which lines are believed and what is kept. Pages are decoded elsewhere; finding,
turning and order have modules of their own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dropscribe.core.errors import Stopped
from dropscribe.core.pages import Attempt, Page
from dropscribe.engines.base import Signals
from dropscribe.engines.ppocr.detection import find, find_at, holes, overlooked, usual_scale
from dropscribe.engines.ppocr.orientation import find_turn, unstacked
from dropscribe.engines.ppocr.pixels import Cutter, Pixels, ink_box, pixels, turned
from dropscribe.engines.ppocr.rules import rules
from dropscribe.engines.ppocr.sessions import BATCH, Read, Sessions
from dropscribe.layout.geometry import Quads, tall
from dropscribe.layout.lines import Line, letters, weight
from dropscribe.layout.marks import Marks

READABLE = 0.5  # confidence below which a line is not text (rapidocr's own `text_score`)
DOUBTFUL = 0.8  # confidence below which a line is tried another way
CONVINCING = 0.85  # confidence that a second try, or ink that the detector passed over, must reach to be believed
FEW = 3  # letters; a page with no more, read with doubt, more likely shows a leaf or a buckle
ENOUGH = 4  # lines; fewer have one order, whatever else is on the page
NO_MARKS = Marks()
LONGEST_AGAIN = 2600  # pixels; the longest side of a second look, which is tried on pictures without text too


@dataclass(frozen=True)
class PageLines:
    """The lines of a page in pixels of the upright page, and how they came about."""

    clockwise: int
    lines: list[Line]
    attempts: tuple[Attempt, ...] = ()
    marks: Marks = NO_MARKS


class Reader:
    """Reads pages one at a time with sessions that belong to somebody else."""

    def __init__(self, sessions: Sessions, signals: Signals, turn: bool) -> None:
        self._sessions, self._signals, self._turn = sessions, signals, turn

    def read(self, page: Page) -> PageLines:
        """Return what stands on *page*; raise `Stopped` or `ReasonedError` (engine-error).

        Empty or doubtful output is not final while there is ink: the page is looked at smaller, cut to its ink, and
        larger. The look that read most, by letters and confidence, is kept.
        """
        picture = pixels(page.image)
        looks: tuple[tuple[str, Callable[[], Quads]], ...] = (
            ("rapidocr", lambda: find(self._sessions, picture)),
            ("rapidocr reduced", lambda: find_at(self._sessions, picture, usual_scale(picture) / 2)),
            ("rapidocr ink", lambda: _ink_as_line(picture)),
            ("rapidocr enlarged", lambda: self._enlarged(picture)),
        )
        best = PageLines(0, [])
        attempts: list[Attempt] = []
        for mode, look in looks:
            started = self._begin(page, mode)
            reading = self._look(picture, look(), READABLE if not attempts else CONVINCING)
            attempts.append(_attempt(mode, reading.lines, started))
            best = max(best, reading, key=lambda r: weight(r.lines))
            if _convinces(best.lines) or ink_box(picture) is None:
                break
        if letters(best.lines) <= FEW and weight(best.lines) < CONVINCING * letters(best.lines):
            best = PageLines(0, [])
        marks = self._marks(turned(picture, best.clockwise)) if len(best.lines) >= ENOUGH else NO_MARKS
        return PageLines(best.clockwise, best.lines, tuple(attempts), marks)

    def _marks(self, picture: Pixels) -> Marks:
        """Return what the layout model, where there is one, and the page's rules say about *picture*."""
        return Marks(self._sessions.regions(picture), *rules(picture))

    def _begin(self, page: Page, mode: str) -> float:
        if self._signals.stop.is_set():
            raise Stopped
        self._signals.attempt(page.number, mode)
        return time.monotonic()

    def _enlarged(self, picture: Pixels) -> Quads:
        longest = max(picture.shape[:2])
        return find_at(self._sessions, picture, min(2.0, max(usual_scale(picture), LONGEST_AGAIN / longest)))

    def _look(self, picture: Pixels, quads: Quads, readable: float) -> PageLines:
        """Return the reading of *picture* with lines at *quads*, turned first where it must be."""
        cutter, reads, clockwise = Cutter(picture), {}, 0
        if self._turn:
            turn = find_turn(cutter, quads, self._sessions)
            reads, clockwise = turn.reads, turn.clockwise
        if clockwise:
            picture = turned(picture, clockwise)
            cutter, quads = Cutter(picture), find(self._sessions, picture)
        lines = self._lines(cutter, quads, reads, readable)
        missed = overlooked(picture, quads)
        return PageLines(clockwise, lines + self._lines(cutter, missed, {}, CONVINCING) if len(missed) else lines)

    def _lines(self, cutter: Cutter, quads: Quads, known: dict[int, Read], readable: float) -> list[Line]:
        """Return the lines in *quads* of at least *readable* confidence; *known* holds those read already."""
        crops = {index: cutter.cut(quad) for index, quad in enumerate(quads)}
        reads = known | self._recognised({i: crop for i, crop in crops.items() if i not in known})
        doubtful = {i: crops[i] for i, read in reads.items() if read.confidence < DOUBTFUL}
        standing = {i: unstacked(crop) for i, crop in doubtful.items() if tall(quads[i])}
        for again in ({i: turned(crop, 180) for i, crop in doubtful.items()}, standing):
            for index, read in self._recognised(again).items():
                if read.confidence >= CONVINCING:
                    reads[index] = max(reads[index], read, key=lambda r: r.confidence)
        return [
            Line(quads[i], read.text, read.confidence, read.places, holes(crops[i]))
            for i, read in sorted(reads.items())
            if read.text and read.confidence >= readable
        ]

    def _recognised(self, crops: dict[int, Pixels]) -> dict[int, Read]:
        """Return what each of *crops* says; those of like shape go through the recogniser together."""
        order = sorted(crops, key=lambda index: crops[index].shape[1] / crops[index].shape[0])
        reads: dict[int, Read] = {}
        for start in range(0, len(order), BATCH):
            if self._signals.stop.is_set():
                raise Stopped
            batch = order[start : start + BATCH]
            reads.update(zip(batch, self._sessions.recognise([crops[i] for i in batch]), strict=True))
            self._signals.tokens(len(reads))
        return reads


def _convinces(lines: list[Line]) -> bool:
    return bool(lines) and weight(lines) >= DOUBTFUL * letters(lines)


def _ink_as_line(picture: Pixels) -> Quads:
    """Return all the ink of *picture* as if it were one line, with a little room around it."""
    box = ink_box(picture)
    if box is None:
        return np.zeros((0, 4, 2), np.float32)
    room = 0.1 * min(box[2] - box[0], box[3] - box[1])
    x0, y0, x1, y1 = box[0] - room, box[1] - room, box[2] + room, box[3] + room
    return np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float32)


def _attempt(mode: str, found: list[Line], started: float) -> Attempt:
    return Attempt(mode, "", len(found), time.monotonic() - started, "stop" if found else "empty")
