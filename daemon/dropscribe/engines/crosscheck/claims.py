"""Which line of the second reader stands where in the model's text: each claims a place, no place is claimed twice.

Free of order, since two readers may take columns and cells in another one; tolerant of single misreadings. The place of
a line is the window of the text that is most alike (rapidfuzz's partial ratio: Indel similarity). Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from dropscribe.engines.crosscheck.chain import chain
from dropscribe.engines.crosscheck.letters import CJK, Letters, letters, weight
from dropscribe.engines.crosscheck.values import Heard

CLOSE = 80.0  # percent; unrelated English lines of 40 letters reach 50 to 60 somewhere on a page
NEAR = 62.0  # percent, between the places of the lines before and after
TELLING = 8.0  # letters; shorter lines are found by chance anywhere
SPLIT = 16.0  # letters; a longer line that is nowhere may be two, of different columns
TAKEN = "\0"
MOST_CHAINS, MOST_PLACES = 16, 64


@dataclass
class Piece:
    """A line, or a part of one, and the place that it claims."""

    line: Heard
    letters: Letters
    place: tuple[int, int] | None = None  # letters of the model's text

    @property
    def text(self) -> str:
        """Its letters."""
        return self.letters.text


@dataclass
class Claims:
    """The places of all lines in one text."""

    said: Letters  # the model's
    pieces: list[Piece] = field(default_factory=list)
    free: str = ""  # the model's letters, those already claimed struck out

    def settle(self, heard: Sequence[Heard]) -> None:
        """Find a place for each of *heard* (in reading order) that has one: the surest and longest first."""
        self.free = self.said.text
        self.pieces = [Piece(line, letters(line.text)) for line in heard]
        self.pieces = [piece for piece in self.pieces if piece.text]
        self._in_turn()
        self._everywhere(CLOSE)
        self._split()
        self._everywhere(CLOSE)
        self._between(100.0)
        self._between(NEAR)
        for piece in self._open():
            self._as_word(piece)
        self._grow()

    def found(self) -> list[bool]:
        """Return for each letter of the model's text whether a line has it there."""
        found = [False] * len(self.said.text)
        for piece in self.pieces:
            if piece.place is not None:
                start, end = piece.place
                for block in Levenshtein.opcodes(piece.text, self.said.text[start:end]):
                    if block.tag == "equal":
                        found[start + block.dest_start : start + block.dest_end] = [True] * (
                            block.dest_end - block.dest_start
                        )
        return found

    def _as_word(self, piece: Piece) -> None:
        """Let a short piece have a place anywhere that is a word, or several, of its own."""
        at = self.free.find(piece.text)
        while at >= 0:
            end = at + len(piece.text)
            if self._is_word(at, end):
                self._take(piece, at, end)
                return
            at = self.free.find(piece.text, at + 1)

    def _is_word(self, start: int, end: int) -> bool:
        """Say whether words begin at *start* and end at *end*."""
        return not (start and self._within(start)) and not (end < len(self.free) and self._within(end))

    def _grow(self) -> None:
        """Let places that end within a word or a number take all of it, where nobody else has the rest."""
        for piece in self.pieces:
            if piece.place is not None:
                start, end = piece.place
                while start > 0 and self.free[start - 1] != TAKEN and self._within(start):
                    start -= 1
                while end < len(self.free) and self.free[end] != TAKEN and self._within(end):
                    end += 1
                self._take(piece, start, end)

    def _within(self, i: int) -> bool:
        return self.said.together(i) and not CJK.match(self.said.text[i])

    def _open(self) -> list[Piece]:
        """Return the pieces without a place, the longest first; of equal ones the first on the page."""
        return sorted((p for p in self.pieces if p.place is None), key=lambda piece: -len(piece.text))

    def _in_turn(self) -> None:
        """Give lines that stand there letter by letter their places, as many as possible in one order.

        The heaviest chain of places first, then the next among what is left (other columns): on a page that says the
        same words several times, a line that was left out must not take the place of a later one.
        """
        for turn in range(MOST_CHAINS):
            # Short ones that are words join the first chain only: elsewhere they would be found by chance.
            open_ones = [p for p in self.pieces if p.place is None and (turn == 0 or weight(p.text) >= TELLING)]
            found = chain([(weight(p.text), self._places(p.text)) for p in open_ones])
            if not found:
                return
            for index, at in found:
                self._take(open_ones[index], at, at + len(open_ones[index].text))

    def _places(self, text: str) -> list[tuple[int, int]]:
        """Return the free places of *text*, the first `MOST_PLACES` of them."""
        places, at = list[tuple[int, int]](), self.free.find(text)
        while at >= 0 and len(places) < MOST_PLACES:
            if weight(text) >= TELLING or self._is_word(at, at + len(text)):
                places.append((at, at + len(text)))
            at = self.free.find(text, at + 1)
        return places

    def _everywhere(self, least: float) -> None:
        for piece in self._open():
            if weight(piece.text) >= TELLING:
                self._try(piece, 0, len(self.free), least)

    def around(self, piece: Piece) -> tuple[int, int]:
        """Return the letters between the places of the lines before and after *piece*, in reading order."""
        index = next(i for i, other in enumerate(self.pieces) if other is piece)
        before = next((p.place[1] for p in reversed(self.pieces[:index]) if p.place), 0)
        return before, next((p.place[0] for p in self.pieces[index + 1 :] if p.place), len(self.free))

    def _between(self, least: float) -> None:
        """Look for each open piece between the places of its neighbours."""
        for piece in self._open():
            before, after = self.around(piece)
            if before < after:
                self._try(piece, before, after, least)

    def _split(self) -> None:
        self.pieces = [part for piece in self.pieces for part in self._parts(piece)]

    def _parts(self, piece: Piece) -> Iterator[Piece]:
        if piece.place is not None or weight(piece.text) < SPLIT:
            yield piece
            return
        source = piece.letters.source
        middle = _gap(source)
        for half in (source[:middle], source[middle:]):
            part = Piece(piece.line, letters(half))
            if part.text:
                if weight(part.text) >= TELLING:
                    self._try(part, 0, len(self.free), CLOSE)
                yield from self._parts(part)

    def _try(self, piece: Piece, start: int, end: int, least: float) -> None:
        """Let *piece* claim its best place within letters *start* to *end*, if that is alike enough."""
        if least >= 100.0:
            at = self.free.find(piece.text, start, end)
            found = (at, at + len(piece.text)) if at >= 0 else None
        else:
            best = fuzz.partial_ratio_alignment(piece.text, self.free[start:end], score_cutoff=least)
            # Where the text is shorter than the line, the roles are exchanged, and any letter is "alike".
            alike = best is not None and best.src_end - best.src_start >= least / 100 * len(piece.text)
            found = (start + best.dest_start, start + best.dest_end) if best is not None and alike else None
        if found is not None:
            self._take(piece, *found)

    def _take(self, piece: Piece, start: int, end: int) -> None:
        piece.place = start, end
        self.free = self.free[:start] + TAKEN * (end - start) + self.free[end:]


def _gap(source: str) -> int:
    """Return the blank of *source* that is nearest to its middle; the middle where there is none."""
    middle = len(source) // 2
    blanks = [i for i, sign in enumerate(source) if sign.isspace() and 0 < i < len(source) - 1]
    return min(blanks, key=lambda i: abs(i - middle), default=middle)
