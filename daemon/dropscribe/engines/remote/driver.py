"""Many pages under way at servers at once: which goes where, and what a failure leads to.

One thread for each request; this one, the engine's own, owns everything else: what servers are worth, which pages wait,
and each page's fallback steps. It wakes for results, and a few times a second for pages that have come meanwhile.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import PageFailure, PageText
from dropscribe.engines.base import Judge, PageSource, Signals, settings_of, unjudged
from dropscribe.engines.remote import verdicts
from dropscribe.engines.remote.body import body
from dropscribe.engines.remote.call import Call, Limits, Result
from dropscribe.engines.remote.endpoint import Endpoint
from dropscribe.engines.remote.failures import Blame, Failed, Failure
from dropscribe.engines.remote.fleet import Fleet
from dropscribe.engines.remote.transport import Exchange
from dropscribe.engines.remote.verdicts import Verdict
from dropscribe.engines.remote.watch import AnswerWatch
from dropscribe.engines.remote.work import Refusals, RetryBudget, Work, begin
from dropscribe.engines.vlm.attempt import Reply

LOOK = 0.02  # seconds between two looks for pages, while there is room for more
LOOK_FULL = 0.2  # while there is none: only a stop is looked for
RETRIES = 2  # a minute for each request that may be under way: all may be lost twice


@dataclass(frozen=True)
class Ended:
    """A request that has ended."""

    work: Work
    endpoint: Endpoint
    exchange: Exchange
    outcome: Result | Failure


class Driver:
    """Reads pages by the servers of a fleet."""

    def __init__(self, fleet: Fleet, settings: Settings, signals: Signals, judge: Judge = unjudged) -> None:
        self.settings, self._judge_of = settings, judge
        self._fleet, self._signals = fleet, signals
        self._refusals = Refusals()
        self._retries = RetryBudget(RETRIES * settings.engine.remote.in_flight)
        self._waiting: deque[Work] = deque()
        self._under_way: dict[Exchange, Work] = {}
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    def read(self, pages: PageSource, width: int) -> Iterator[PageText | PageFailure]:
        """Yield pages as they are finished, up to *width* of them in hand; raise `Stopped`.

        Raises `ReasonedError` (engine-unavailable) when no server can be used: then no page is at fault.
        """
        self._fleet.wake()
        try:
            while (taken := self._take(pages, width)) or self._works:
                self._signals.raise_if_stopped()
                now = time.monotonic()
                self._fleet.look_after(now, idle=not self._under_way)
                yield from self._send(now)
                full = len(self._works) >= width and not self._waiting
                for ended in self._wait(0.0 if taken else LOOK_FULL if full else LOOK):
                    yield from self._judge(ended)
                self._fleet.tell(self._signals.servers)
        finally:
            self._cancel()

    @property
    def _works(self) -> list[Work]:
        return [*self._waiting, *self._under_way.values()]

    def _take(self, pages: PageSource, width: int) -> bool:
        """Take one page if there is room; return whether one came. It is sent before the next one is encoded."""
        if len(self._works) >= min(width, max(1, self._fleet.room(time.monotonic()))):
            return False
        page = pages.take(wait=not self._works)
        if page is not None:
            self._waiting.append(begin(page, settings_of(page, self.settings), self._fleet.family, self._judge_of))
        return page is not None

    # -- sending

    def _send(self, now: float) -> Iterator[PageText | PageFailure]:
        """Send what waits to the servers that have room; yield pages whose time is over."""
        for work in list(self._waiting):
            if work.deadline is not None and now >= work.deadline:
                self._waiting.remove(work)
                self._fleet.forget(work)
                yield from self._go_on(work, self._reply(work, "timeout", "no server could be reached in time", now))
            elif work.not_before <= now and (endpoint := self._fleet.choose(work, now)) is not None:
                self._waiting.remove(work)
                self._start(work, endpoint, now)

    def _start(self, work: Work, endpoint: Endpoint, now: float) -> None:
        engine = work.fallback.settings.engine
        work.begun = now if work.begun is None else work.begun
        work.deadline = now + engine.page_budget if work.deadline is None else work.deadline
        endpoint.in_flight += 1
        exchange = Exchange(endpoint.transport)
        self._under_way[exchange] = work
        self._signals.attempt(work.key, work.attempt.mode)
        call = self._call(work, endpoint, exchange)
        threading.Thread(target=self._run, args=(call, work, endpoint), name=endpoint.host, daemon=True).start()

    def _call(self, work: Work, endpoint: Endpoint, exchange: Exchange) -> Call:
        assert endpoint.server is not None and work.deadline is not None
        remote, server, family = self.settings.engine.remote, endpoint.server, self._fleet.family
        picture = work.picture(family, remote.image)
        asked = work.asked(server.model, family, guarded=server.kind == "vllm" and endpoint.gives_ids)
        key, mode = work.key, work.attempt.mode

        def watch(begun: float, seconds: float) -> AnswerWatch:
            marks = family.adapter.table_marks
            return AnswerWatch(asked.limit, begun, seconds, asked.guard, family.cells, marks, picture.size, family.tidy)

        return Call(
            exchange, f"{server.root}/chat/completions", body(server.kind, family, asked, picture, remote.extra),
            Limits(remote.first_byte_timeout, remote.silence_timeout, work.attempt.seconds, work.deadline), watch,
            began=lambda: self._signals.attempt(key, mode), tokens=lambda count: self._signals.tokens(key, count),
        )  # fmt: skip

    def _run(self, call: Call, work: Work, endpoint: Endpoint) -> None:
        """(its own thread) Make one request."""
        outcome: Result | Failure
        try:
            outcome = call.run()
        except Failed as error:
            outcome = error.failure
        except Exception as error:  # the edge of a thread: what is not known of an answer must not lose its page
            outcome = Failure(Blame.LOST, f"{type(error).__name__}: {error}"[:300])
        self._ended.put(Ended(work, endpoint, call.exchange, outcome))

    # -- what comes back

    def _wait(self, seconds: float) -> Iterator[Ended]:
        """Yield the requests that have ended, having waited so many *seconds* for the first."""
        try:
            ended = self._ended.get(timeout=seconds)
            while True:
                if self._under_way.pop(ended.exchange, None) is not None:  # else of a reading that is over
                    yield ended
                ended = self._ended.get_nowait()
        except queue.Empty:
            return

    def _judge(self, ended: Ended) -> Iterator[PageText | PageFailure]:
        """Learn from how a request ended, and go on with its page."""
        now, work, endpoint = time.monotonic(), ended.work, ended.endpoint
        alone = endpoint.alone is work
        self._fleet.returned(endpoint, work)
        outcome: Result | Failure = ended.outcome
        if isinstance(outcome, Result):
            outcome = self._fleet.changed(endpoint, outcome) or outcome
        if isinstance(outcome, Failure):
            yield from self._failed(ended, outcome, now, alone=alone)
            return
        self._refusals.clear()
        endpoint.gives_ids = outcome.by_ids or not outcome.reply.tokens
        remote = self.settings.engine.remote
        endpoint.success(outcome.waited, remote.first_byte_timeout, remote.in_flight, now)
        yield from self._go_on(work, replace(outcome.reply, seconds=now - (work.begun or now)))

    def _failed(self, ended: Ended, failure: Failure, now: float, *, alone: bool) -> Iterator[PageText | PageFailure]:
        """Let a failure have its consequences."""
        work, endpoint, sent = ended.work, ended.endpoint, ended.exchange.sent
        verdict = verdicts.of(failure, work, endpoint, self._fleet.last_success, now, alone=alone, sent=sent)
        if verdict is Verdict.POISON:
            what = f"{endpoint.host} was lost twice while it read page {work.key.number} alone ({failure.detail})."
            yield PageFailure(work.key, Reason.ENGINE_ERROR, what)
        elif verdict in (Verdict.TIMEOUT, Verdict.ERROR):
            yield from self._go_on(work, self._reply(work, verdict.value, f"{endpoint.host}: {failure.detail}", now))
        else:
            self._check_settings(work, endpoint, failure)
            work.not_before = self._retries.wait(now) if verdict is Verdict.AGAIN else now
            self._waiting.appendleft(work)

    def _check_settings(self, work: Work, endpoint: Endpoint, failure: Failure) -> None:
        """Raise `ReasonedError` when pages of several files in a row were not taken: that is no page's fault."""
        if failure.blame is Blame.REFUSED and self._refusals.add(failure.status, work.key.document):
            self._refusals.clear()
            what = f"{endpoint.host} does not take the pages of several files in a row ({failure.detail})"
            raise ReasonedError(Reason.ENGINE_UNAVAILABLE, f"{what}; see engine.remote in the settings.")

    def _reply(self, work: Work, end: str, detail: str, now: float) -> Reply:
        return Reply("", 0, end, now - (work.begun or now), detail=detail)

    def _go_on(self, work: Work, reply: Reply) -> Iterator[PageText | PageFailure]:
        """Send *reply* to the page's steps; yield the page when it is over."""
        try:
            work.next_attempt(work.flow.send(reply))
            self._waiting.appendleft(work)
        except StopIteration as end:
            yield end.value
        except ReasonedError as error:
            late = all(attempt.end == "timeout" for attempt in work.fallback.attempts)
            yield PageFailure(work.key, Reason.ENGINE_TIMEOUT if late else error.reason, error.detail)

    def _cancel(self) -> None:
        """End all requests: the servers stop working on them."""
        for exchange in self._under_way:
            exchange.cancel()
        self._under_way.clear()
        self._waiting.clear()
        self._fleet.all_returned()
        self._fleet.tell(self._signals.servers, now=True)
