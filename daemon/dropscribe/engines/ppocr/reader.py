"""One page with PP-OCR: a first look that is enough as a rule, and further looks where it found nothing.

It owns which looks are tried, which lines are believed and what is kept. Pages are decoded elsewhere; finding,
turning and order have modules of their own.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from dropscribe.core.pages import Attempt, Page, PageKey
from dropscribe.engines.base import Signals
from dropscribe.engines.ppocr import tesseract
from dropscribe.engines.ppocr.detection import find, find_at, holes, overlooked, usual_scale
from dropscribe.engines.ppocr.doubt import flags, textlike
from dropscribe.engines.ppocr.ends import extended
from dropscribe.engines.ppocr.orientation import find_turn
from dropscribe.engines.ppocr.pixels import Cutter, Pixels, ink_box, pixels, turned
from dropscribe.engines.ppocr.rules import rules
from dropscribe.engines.ppocr.sessions import Read, Sessions
from dropscribe.engines.ppocr.stacked import long_vowels, unstacked
from dropscribe.layout.geometry import Quads, edges, tall
from dropscribe.layout.lines import CJK, Line, letters, weight
from dropscribe.layout.marks import NO_MARKS, Marks

READABLE = 0.5  # confidence below which a line is not text (rapidocr's own `text_score`)
DOUBTFUL = 0.8  # confidence below which a line is tried another way
CONVINCING = 0.85  # confidence that a second try, or ink that the detector passed over, must reach to be believed
FEW = 3  # letters; a page with no more, read with doubt, more likely shows a leaf or a buckle
SINGLE = 2  # letters of a line that may be a shape
SHAPES = frozenset("OoQCcDUuVvXxYIlLTJ01|/\\-_=~.,:;'\"()<>^一丨口〇○●◯◇◆■□△▲▽▼☆★")
OPENING = frozenset("「『（《〈【〔“‘([…—")
INK = "rapidocr ink"  # the look at all the ink as one line
TRUSTED = 0.7  # mean confidence of tesseract's letters
ENOUGH = 4  # lines; fewer have one order, whatever else is on the page
TOLD = 6  # lines; after so many the daemon hears that the page goes on
LONGEST_AGAIN = 2600  # pixels; the longest side of a second look, which is tried on pictures without text too


@dataclass(frozen=True)
class PageLines:
    """The lines of a page in pixels of the upright page, and how they came about."""

    clockwise: int
    lines: list[Line]
    attempts: tuple[Attempt, ...] = ()
    marks: Marks = NO_MARKS
    unread: float = 0.0  # share of the length of all lines found that were not believed
    textlike: bool = False  # what was found has the shape of lines, whether or not it could be read


class Reader:
    """Reads pages, also several at once, with sessions that belong to somebody else."""

    def __init__(self, sessions: Sessions, signals: Signals, languages: Sequence[str] = ()) -> None:
        self._sessions, self._signals = sessions, signals
        self._languages = languages
        self._tesseract = tesseract.installed()

    def read(self, page: Page, turn: bool = True) -> PageLines:
        """Return what stands on *page*; raise `Stopped` or `ReasonedError` (engine-error).

        Without *turn* the page is known to stand upright.

        Empty or doubtful output is not final while there is ink: the page is looked at smaller, cut to its ink, and
        larger. The look that read most, by letters and confidence, is kept.
        """
        picture = pixels(page.image)
        looks: tuple[tuple[str, Callable[[], Quads]], ...] = (
            ("rapidocr", lambda: find(self._sessions, picture)),
            ("rapidocr reduced", lambda: find_at(self._sessions, picture, usual_scale(picture) / 2)),
            (INK, lambda: _ink_as_line(picture)),
            ("rapidocr enlarged", lambda: self._enlarged(picture)),
        )
        best = PageLines(0, [])
        attempts: list[Attempt] = []
        unread = 0.0
        for mode, look in looks:
            started = self._begin(page, mode)
            reading = self._look(page.key, picture, look(), READABLE if not attempts else CONVINCING, turn)
            attempts.append(_attempt(mode, reading.lines, started))
            best = max(best, reading, key=lambda r: weight(r.lines))
            if mode != INK:  # which is a line by decree
                unread = max(unread, reading.unread if reading.textlike else 0.0)
            if _convinces(best.lines) or ink_box(picture) is None:
                break
        if _invented(best.lines):
            best = PageLines(0, [])
        if not best.lines:
            best = replace(best, unread=unread)
        best, further = self._other_scripts(page, turned(picture, best.clockwise), best)
        attempts += further
        marks = self._marks(turned(picture, best.clockwise)) if len(best.lines) >= ENOUGH else NO_MARKS
        return replace(best, attempts=tuple(attempts), marks=marks)

    def again(self, page: Page) -> PageLines:
        """Return what stands on the upright *page* seen larger: another look, for one that is in doubt."""
        picture = pixels(page.image)
        self._begin(page, "rapidocr enlarged")
        return self._look(page.key, picture, self._enlarged(picture), READABLE, False)

    def _other_scripts(self, page: Page, picture: Pixels, found: PageLines) -> tuple[PageLines, list[Attempt]]:
        """Return *found*, or what tesseract reads on the upright *picture* where letters lack or languages ask."""
        reader = self._tesseract
        if reader is None:
            return found, []
        asked = reader.known(self._languages)
        lacking = "unread" in (doubt := flags(found.lines, found.unread)) or "empty" in doubt
        if not (asked or lacking or (doubt and not self._languages)):
            return found, []
        started = self._begin(page, "tesseract")
        lines = reader.read(picture, self._languages)
        attempts = [_attempt("tesseract", lines, started)]
        ours = 0.0 if lacking else weight(found.lines)
        if weight(lines) <= ours or weight(lines) < TRUSTED * letters(lines) or letters(lines) <= FEW:
            return found, attempts
        return PageLines(found.clockwise, lines), attempts

    def _marks(self, picture: Pixels) -> Marks:
        """Return what the layout model, where there is one, and the page's rules say about *picture*."""
        return Marks(self._sessions.regions(picture), *rules(picture))

    def _begin(self, page: Page, mode: str) -> float:
        self._signals.raise_if_stopped()
        self._signals.attempt(page.key, mode)
        return time.monotonic()

    def _enlarged(self, picture: Pixels) -> Quads:
        longest = max(picture.shape[:2])
        return find_at(self._sessions, picture, min(2.0, max(usual_scale(picture), LONGEST_AGAIN / longest)))

    def _look(self, page: PageKey, picture: Pixels, quads: Quads, readable: float, may_turn: bool) -> PageLines:
        """Return the reading of *picture*, which shows *page*, with lines at *quads*, turned first where it must be."""
        cutter, reads, clockwise = Cutter(picture), {}, 0
        if may_turn:
            turn = find_turn(cutter, quads, self._sessions)
            reads, clockwise = turn.reads, turn.clockwise
        if clockwise:
            picture = turned(picture, clockwise)
            cutter, quads = Cutter(picture), find(self._sessions, picture)
        longer = extended(picture, quads)
        same = {i for i in reads if np.array_equal(longer[i], quads[i])}
        quads, reads = longer, {i: read for i, read in reads.items() if i in same}
        lines = self._lines(page, cutter, quads, reads, readable)
        missed = overlooked(picture, quads)
        believed = sum(max(edges(line.quad)) for line in lines)
        unread = 1 - believed / max(believed, 1e-6, sum(max(edges(quad)) for quad in quads))
        more = self._lines(page, cutter, missed, {}, CONVINCING) if len(missed) else []
        return PageLines(clockwise, lines + more, unread=unread, textlike=textlike(picture, quads))

    def _lines(
        self, page: PageKey, cutter: Cutter, quads: Quads, known: dict[int, Read], readable: float
    ) -> list[Line]:
        """Return the lines in *quads* of at least *readable* confidence; *known* holds those read already."""
        crops = {index: cutter.cut(quad) for index, quad in enumerate(quads)}
        reads = known | self._recognised(page, {i: crop for i, crop in crops.items() if i not in known})
        doubtful = {i: crops[i] for i, read in reads.items() if read.confidence < DOUBTFUL}
        for index, read in self._recognised(page, {i: turned(crop, 180) for i, crop in doubtful.items()}).items():
            if read.confidence >= CONVINCING:
                reads[index] = max(reads[index], read, key=lambda r: r.confidence)
        columns = {i for i, quad in enumerate(quads) if tall(quad) and (i in doubtful or CJK.search(reads[i].text))}
        for index, read in self._recognised(page, {i: unstacked(crops[i]) for i in columns}).items():
            if read.confidence >= CONVINCING:
                reads[index] = max(reads[index], _begun(read), key=_said)
        return [
            Line(quads[i], read.text, read.confidence, read.places, holes(crops[i]))
            for i, read in sorted(reads.items())
            if read.text and read.confidence >= readable
        ]

    def _recognised(self, page: PageKey, crops: dict[int, Pixels]) -> dict[int, Read]:
        """Return what each of *crops* says; raise `Stopped` between two of them."""
        reads: dict[int, Read] = {}
        with closing(self._sessions.recognise(list(crops.values()))) as said:
            for index, read in zip(crops, said, strict=True):
                self._signals.raise_if_stopped()
                reads[index] = read
                if len(reads) % TOLD == 0:
                    self._signals.tokens(page, len(reads))
        return reads


def _begun(read: Read) -> Read:
    """Return *read* from its first letter or bracket on: what a column seems to begin with else is dust above it."""
    start = next((i for i, c in enumerate(read.text) if c.isalnum() or c in OPENING), 0)
    return Read(long_vowels(read.text[start:]), read.confidence, read.places[start:])


def _said(read: Read) -> float:
    """Return how much *read* says: of a column read on its side punctuation and small kana are missing."""
    return len(read.text) * read.confidence


def _invented(lines: list[Line]) -> bool:
    """Say whether *lines* are more likely leaves, circles and strokes than text: single letters of such shapes."""
    found = letters(lines)
    shapes = all(len(line.text) <= SINGLE and set(line.text) <= SHAPES for line in lines)
    alike = len({character for line in lines for character in line.text}) <= FEW
    return (shapes and (alike or len(lines) <= FEW)) or (found <= FEW and weight(lines) < CONVINCING * found)


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
