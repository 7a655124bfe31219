"""An answer while it comes: its text, whether it loops, when to cut it, and what its end is worth.

Loops are looked for on this side of the wire, on the server's token ids where it gives them, else on stable pieces of
the text. A loop that the server's own guard has broken up looks like good text and is too short for the detector; so
the guard is replayed on the ids, and a step at which it had a ban in force counts as one that the model disliked
(measured on vLLM 0.32: such a step was there in each of 15 broken loops, and the detector alone found none).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from dropscribe.engines.remote.events import Piece
from dropscribe.engines.remote.failures import Blame, Failed, Failure
from dropscribe.engines.remote.pieces import Cutter, Vocabulary
from dropscribe.engines.remote.tidy import as_it_is
from dropscribe.engines.vlm.attempt import AttemptState, Reply
from dropscribe.engines.vlm.ngram_guard import NGramGuard
from dropscribe.engines.vlm.repetition import LoopDetector

ENDS = {"stop": "stop", "length": "length", "repetition": "loop"}  # the last is vLLM's own loop stop
PIECES_PER_TOKEN = 4  # at most: words and the blanks between them are pieces of their own
NO_GUARD = (2, 2)  # sizes of one that is never asked

# Marks of the end that llama-server --special leaves in the text.
_END_MARKS = re.compile(
    r"(?:\s*(?:</s>|<\|im_end\|>|<\|endoftext\|>|<\|end_of_text\|>|<\|eot_id\|>|<\|user\|>|<end_of_turn>|<eos>"
    r"|<\|end\|>|<｜end▁of▁sentence｜>))+\s*\Z"
)


@dataclass
class AnswerWatch:
    """Follows one answer."""

    limit: int  # tokens asked for
    begun: float  # monotonic seconds: when the first piece came
    seconds: float  # allowed from then on
    guard: tuple[int, int] | None = None  # n and window that the server keeps
    cells: tuple[int, ...] = ()  # ids exempt from it
    table_marks: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)  # pixels of the picture that was sent
    tidy: Callable[[str, tuple[int, int]], str] = as_it_is
    finish: str | None = None
    tokens: int | None = None  # as the server counts
    _unguarded: bool = False  # the server keeps no guard, whatever it was asked
    _state: AttemptState | None = None
    _vocabulary: Vocabulary = field(default_factory=Vocabulary)
    _spellings: dict[int, str] = field(default_factory=dict)
    _cutter: Cutter = field(default_factory=Cutter)
    _ends_of: list[int] = field(default_factory=list)  # by token: characters of text when it had come
    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    @property
    def by_ids(self) -> bool:
        """Say whether the server gives token ids."""
        return bool(self._ends_of)

    @property
    def count(self) -> int:
        """How many tokens, or pieces of text, have come."""
        return len(self._state.ids) if self._state else 0

    def take(self, piece: Piece, now: float) -> str | None:
        """Take in what has come at the monotonic time *now*; return how to end the answer early, or None."""
        self.finish = piece.finish or self.finish
        self.tokens = piece.tokens if piece.tokens is not None else self.tokens
        self._parts.append(piece.text)
        self._length += len(piece.text)
        if not piece.text and not piece.ids:
            return self._late(now)
        if piece.ids and (self._state is None or self.by_ids):
            return self._take_ids(piece, now)
        if self.by_ids:  # the text of ids that came before
            self._ends_of[-1] = self._length
            return self._late(now)
        return self._push((self._vocabulary.number(part) for part in self._cutter.feed(piece.text)), now)

    def _take_ids(self, piece: Piece, now: float) -> str | None:
        if len(piece.ids) == 1:
            self._spellings.setdefault(piece.ids[0], piece.text)
        self._ends_of += [self._length] * len(piece.ids)
        return self._push(piece.ids, now, replay=self.guard is not None)

    def _push(self, tokens: Iterable[int], now: float, *, replay: bool = False) -> str | None:
        state = self._state = self._state or self._new_state()
        for token in tokens:
            if replay and not self._unguarded:
                self._replay(state.guard, token)
            if end := state.take(token, now):
                return end
        return self._late(now)

    def _replay(self, guard: NGramGuard, token: int) -> None:
        """Note whether the server's guard had a ban in force; a banned token that comes all the same shows it has none.

        vLLM ignores the sizes when it was started without the guard.
        """
        banned = guard.banned()
        if token in banned:
            self._unguarded = True
            guard.hits.clear()
        elif banned:
            guard.record_hit()
        guard.push(token)

    def _new_state(self) -> AttemptState:
        if self.by_ids:
            guard = NGramGuard(*(self.guard or NO_GUARD), self.cells)
            detector = LoopDetector(lambda token: self._spellings.get(token, ""), self.cells)
            return AttemptState(guard, detector, frozenset(), self.limit + 1, self.begun, self.seconds)
        marks = [self._vocabulary.number(mark) for mark in self.table_marks]
        detector = LoopDetector(self._vocabulary.spelling, marks)
        most = PIECES_PER_TOKEN * self.limit
        return AttemptState(NGramGuard(*NO_GUARD), detector, frozenset(), most, self.begun, self.seconds)

    def _late(self, now: float) -> str | None:
        return "timeout" if now - self.begun >= self.seconds else None

    def reply(self, end: str | None, now: float) -> Reply:
        """Judge the answer, which we cut with *end* or which has ended by itself.

        Raises `Failed` for one without a reason for its end: such a text is not whole, however it looks.
        """
        end = end or self._finished()
        if not self.by_ids:
            self._push([self._vocabulary.number(part) for part in self._cutter.flush()], now)
        state = self._state or self._new_state()
        reply = state.reply(end, now, self._decode)
        text = self.tidy(_END_MARKS.sub("", reply.text), self.size)
        return replace(reply, text=text, tokens=self.tokens or reply.tokens)

    def _finished(self) -> str:
        if self.finish is None:
            raise Failed(Failure(Blame.LOST, "its answer was cut: it ended without a finish_reason"))
        if self.finish not in ENDS:
            raise Failed(Failure(Blame.LOST, f"its answer ended with finish_reason {self.finish[:40]!r}"))
        return ENDS[self.finish]

    def _decode(self, kept: list[int]) -> str:
        """Return the text of the first so many tokens."""
        text = "".join(self._parts)
        if self._state is None or len(kept) == len(self._state.ids):
            return text
        if self.by_ids:
            return text[: self._ends_of[len(kept) - 1] if kept else 0]
        return "".join(map(self._vocabulary.spelling, kept))
