"""One request for one page, from its first byte to its last, in a thread of its own."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dropscribe.engines.remote.body import Body
from dropscribe.engines.remote.events import LARGEST, Events, Piece, piece_of
from dropscribe.engines.remote.failures import Blame, Failed, Failure, of_status
from dropscribe.engines.remote.transport import Answer, Exchange
from dropscribe.engines.remote.watch import AnswerWatch
from dropscribe.engines.vlm.attempt import Reply

TELL_EVERY = 16  # tokens
ERROR_SECONDS = 10.0  # for the body of an error


@dataclass(frozen=True)
class Limits:
    """How long a request may take, in seconds."""

    first_byte: float  # the server's own queue counts
    silence: float  # between two pieces
    answer: float  # from its first piece to its end
    deadline: float  # monotonic: when all must be over


@dataclass(frozen=True)
class Result:
    """What one request gave."""

    reply: Reply
    waited: float  # seconds until the answer began
    model: str | None  # as the answer names it
    by_ids: bool  # the server gave token ids


@dataclass
class Call:
    """One request."""

    exchange: Exchange
    path: str
    body: Body
    limits: Limits
    watch: Callable[[float, float], AnswerWatch]  # of an answer that begins at this moment, allowed so many seconds
    began: Callable[[], None] = lambda: None
    tokens: Callable[[int], None] = lambda count: None

    def run(self) -> Result:
        """Send the page and follow the answer; raise `Failed`."""
        try:
            return self._run()
        except Failed as error:
            failure = error.failure
        raise Failed(replace(failure, detail=self.exchange.transport.without_key(failure.detail)))

    def _run(self) -> Result:
        self._sent = time.monotonic()
        wait = min(self.limits.first_byte, self.limits.deadline - self._sent)
        with self.exchange.send("POST", self.path, max(wait, 0.001), self.body, self.body.length) as answer:
            if answer.status != 200:
                raise Failed(of_status(answer.status, answer.headers, answer.body(ERROR_SECONDS)))
            return self._follow(_pieces(answer))

    def _follow(self, coming: Iterator[tuple[Piece, ...]]) -> Result:
        watch: AnswerWatch | None = None
        last, model, end = self._sent, None, None
        try:
            for pieces in coming:
                now = time.monotonic()
                for piece in pieces:
                    model = piece.model or model
                    if not (piece.text or piece.ids or piece.finish or piece.tokens):
                        continue
                    watch, last = watch or self._begin(now), now
                    end = end or watch.take(piece, now)
                if end:
                    break
                self._wait_on(watch, last, now)
        except Failed as error:
            # Its time is up, which is the page's own affair, unlike a server that falls silent.
            if watch is None or error.failure.blame is not Blame.LATE or time.monotonic() < self._end_of(watch):
                raise
            end = "timeout"
        if watch is None:
            raise Failed(Failure(Blame.LOST, "its answer was cut: it ended before it began"))
        by_ids = watch.by_ids
        return Result(watch.reply(end, time.monotonic()), watch.begun - self._sent, model, by_ids)

    def _begin(self, now: float) -> AnswerWatch:
        if not self.exchange.cancelled:  # else nobody waits for this page any more, or somebody else has it
            self.began()
        self._told = 0
        return self.watch(now, min(self.limits.answer, self.limits.deadline - now))

    def _end_of(self, watch: AnswerWatch) -> float:
        return watch.begun + watch.seconds

    def _wait_on(self, watch: AnswerWatch | None, last: float, now: float) -> None:
        """Bound the wait for what comes next, whatever else the server sends to keep us waiting."""
        if watch is not None and watch.count - self._told >= TELL_EVERY:
            self._told = watch.count
            self.tokens(watch.count)
        quiet = self.limits.first_byte if watch is None else self.limits.silence
        until = min(last + quiet, self.limits.deadline if watch is None else self._end_of(watch))
        if now >= until:
            raise Failed(Failure(Blame.LATE, f"nothing came for {now - last:.0f} s"))
        self.exchange.wait_at_most(until - now)


def _pieces(answer: Answer) -> Iterator[tuple[Piece, ...]]:
    """Yield what comes, one tuple for each arrival of bytes; raise `Failed` for what is no answer of this API."""
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media == "text/event-stream":
        yield from _streamed(answer.pieces())
    elif media == "application/json":  # a server that does not stream
        try:
            value = json.loads(answer.body(ERROR_SECONDS, LARGEST))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Failed(Failure(Blame.LOST, "its answer is no JSON"))
        yield (piece_of(value),)
    else:
        raise Failed(Failure(Blame.BARRED, f"it answers in {media[:60] or 'no known form'}: is the address right?"))


def _streamed(coming: Iterable[bytes]) -> Iterator[tuple[Piece, ...]]:
    events = Events()
    for data in coming:
        yield tuple(events.feed(data))
        if events.done:
            return
