"""A stream of text as numbers, for the loop detector, where a server gives no token ids.

The text is cut into stable pieces (marks, tags, runs of digits, words, blanks, single signs) that do not depend on how
it was cut on its way: a piece is taken only once nothing that may still come can change it.
"""

import re
from collections.abc import Iterable, Iterator

LONGEST = 48  # characters of any piece
_PIECE = re.compile(
    r"<\|?/?[\w|]{1,40}\|?>"  # marks and tags
    r"|\[\[|\]\]"  # boxes
    r"|\d{1,16}"
    r"|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # signs that are words
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,16}"
    r"|\n|[^\S\n]{1,16}"
    r"|.",
    re.DOTALL,
)


class Cutter:
    """Cuts a text that comes in parts."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> Iterator[str]:
        """Yield the pieces that are certain now."""
        self._rest += text
        yield from self._cut(len(self._rest) - LONGEST)

    def flush(self) -> Iterator[str]:
        """Yield what is left, at the end."""
        yield from self._cut(len(self._rest))

    def _cut(self, limit: int) -> Iterator[str]:
        at = 0
        while at < limit and (found := _PIECE.match(self._rest, at)):
            at = found.end()
            yield found[0]
        self._rest = self._rest[at:]


class Vocabulary:
    """Numbers for pieces, in the order in which they are first seen."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Give the first numbers to *known*."""
        self._numbers: dict[str, int] = {}
        self._pieces: list[str] = []
        for piece in known:
            self.number(piece)

    def number(self, piece: str) -> int:
        """Return the number of a piece."""
        found = self._numbers.setdefault(piece, len(self._pieces))
        if found == len(self._pieces):
            self._pieces.append(piece)
        return found

    def spelling(self, number: int) -> str:
        """Return the piece with this number."""
        return self._pieces[number]
