"""One text beside one look of the second reader: what is confirmed, what may be missing, what differs. Pure."""

from collections.abc import Iterator, Sequence

from dropscribe.core.pages import Box
from dropscribe.engines.crosscheck.claims import TELLING, Claims, Piece
from dropscribe.engines.crosscheck.differences import differences
from dropscribe.engines.crosscheck.letters import letters, weight
from dropscribe.engines.crosscheck.values import Reading

SURE = 0.9  # confidence of a line that may speak against the model
ISLAND = 4  # letters in a row that agree by chance within a passage that does not
MOST_UNREAD = 0.9  # share; what it makes of the rest of a page read so badly has no meaning


class Comparison:
    """The places of a look's lines in a text, and what follows from them."""

    def __init__(self, text: str, reading: Reading, pictures: Sequence[Box] = ()) -> None:
        """Leave out the lines inside *pictures*, whose text a model does not give."""
        self.claims = Claims(letters(text))
        self.claims.settle([line for line in reading.lines if not any(_inside(line.box, box) for box in pictures)])
        self.said = self.claims.said
        self.confirmed = [ok or not judged for ok, judged in zip(self.claims.found(), self.said.judged, strict=True)]
        self.differences = list(differences(self.claims, SURE))
        self._unread = min(reading.unread, MOST_UNREAD)

    @property
    def own(self) -> float:
        """Letters of the text that can be judged."""
        return self.own_weight(range(len(self.said.text)))

    @property
    def heard(self) -> float:
        """Letters that the second reader read with confidence."""
        return size([piece for piece in self.claims.pieces if piece.line.confidence >= SURE])

    @property
    def unread(self) -> float:
        """Letters that it read with doubt or not at all, and found no place for: they may be what the model says."""
        doubtful = [p for p in self.claims.pieces if p.place is None and p.line.confidence < SURE]
        return size(doubtful) + self.heard * self._unread / (1 - self._unread)

    @property
    def foreign(self) -> float:
        """Letters of the text that cannot be judged: the second reader may have read them as something else."""
        return float(sum(not judged for judged in self.said.judged))

    def own_weight(self, places: Sequence[int]) -> float:
        """Return how much the judged letters at *places* of the text say."""
        return weight("".join(self.said.text[i] for i in places if self.said.judged[i]))

    def missing(self) -> Iterator[list[Piece]]:
        """Yield the lines in a row that were read with confidence and are nowhere in the text."""
        row: list[Piece] = []
        for piece in self.claims.pieces:
            if piece.place is None and piece.line.confidence >= SURE:
                row.append(piece)
            elif row and weight(piece.text) >= TELLING:  # a shorter one may have found a place by chance
                yield row
                row = []
        if row:
            yield row

    def unconfirmed(self) -> Iterator[tuple[int, int]]:
        """Yield the runs of letters that nothing confirms, over chance islands of those that something does."""
        start, end = -1, 0
        for i, ok in enumerate(self.confirmed):
            if ok:
                continue
            if start >= 0 and i - end >= ISLAND:
                yield start, end
                start = -1
            start, end = (i if start < 0 else start), i + 1
        if start >= 0:
            yield start, end

    def unconfirmed_weight(self, span: tuple[int, int]) -> float:
        """Return how much the letters of *span* say that nothing confirms."""
        return self.own_weight([i for i in range(*span) if not self.confirmed[i]])

    def agreement(self) -> float:
        """Return the share of both readings that they have in common, 0 to 1 (Dice)."""
        both = self.own_weight([i for i, ok in enumerate(self.confirmed) if ok])
        total = self.own + self.heard
        return round(min(1.0, 2 * both / total), 3) if total else 1.0


def size(pieces: Sequence[Piece]) -> float:
    """Return how much *pieces* say, in letters."""
    return sum(weight(piece.text) for piece in pieces)


def _inside(box: Box, area: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]
