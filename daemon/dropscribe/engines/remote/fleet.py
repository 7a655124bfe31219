"""The servers together: which one is next, which are asked whether they are well again, and when none is left."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from dropscribe.config import Remote
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.status import RemoteStatus
from dropscribe.engines.remote.call import Result
from dropscribe.engines.remote.endpoint import Endpoint
from dropscribe.engines.remote.failures import Blame, Failed, Failure
from dropscribe.engines.remote.families import Family
from dropscribe.engines.remote.probe import Server, probe, try_page
from dropscribe.engines.remote.transport import Exchange
from dropscribe.engines.remote.verdicts import wants_to_be_alone
from dropscribe.engines.remote.work import Work

PATIENCE = (
    10.0  # seconds without any server: one that is restarted may be back, and the pages need not be decoded again
)
TELL_EVERY = 0.5  # seconds
PROBE_SECONDS = 60.0  # for the tiny page that a server is tried with

Asked = tuple[Endpoint, Server | Failure]


class Fleet:
    """All servers of the settings, which run one model."""

    def __init__(self, endpoints: Sequence[Endpoint], remote: Remote, words: Callable[[Family], str]) -> None:
        """*words* is what a tiny page is asked with."""
        self.endpoints, self._remote, self._words = endpoints, remote, words
        self._first: Server | None = None  # the one that all others must be like
        self._probed: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._probes: dict[str, Exchange] = {}  # by URL: the tiny pages under way
        self._none_since: float | None = None
        self._told: tuple[list[RemoteStatus], float] = [], 0.0

    # -- at the start

    def load(self) -> Server:
        """Ask all servers at once; return what runs there. Raises `ReasonedError` when none can be used."""
        for endpoint in self.endpoints:
            self._ask(endpoint)
        for _ in self.endpoints:
            self._answered(*self._probed.get())
        if self._first is None or all(endpoint.error for endpoint in self.endpoints):
            raise self._unavailable()
        return self._first

    @property
    def family(self) -> Family:
        """The family of the model that runs there."""
        assert self._first is not None
        return self._first.family

    @property
    def last_success(self) -> float:
        """When any server last answered (monotonic)."""
        return max(endpoint.last_success for endpoint in self.endpoints)

    # -- while pages are read

    def room(self, now: float) -> int:
        """Return how many pages the servers may have at once."""
        return sum(int(endpoint.window) for endpoint in self.endpoints if endpoint.usable(now))

    def choose(self, work: Work, now: float) -> Endpoint | None:
        """Return the server for a page, the one with the fewest first; None while it has to wait."""
        if sum(endpoint.in_flight for endpoint in self.endpoints) >= self._remote.in_flight:
            return None
        usable = [endpoint for endpoint in self.endpoints if endpoint.usable(now)]
        usable = [endpoint for endpoint in usable if endpoint is not work.avoid] or usable
        if wants_to_be_alone(work):
            kept = _kept_for(work, usable)
            if kept is None or kept.alone is not work:
                self.forget(work)  # the one that was kept is out
            if kept is not None:
                kept.alone = work
            return kept if kept is not None and kept.in_flight == 0 else None
        return min((e for e in usable if e.has_room(now)), key=lambda e: e.in_flight, default=None)

    def returned(self, endpoint: Endpoint, work: Work) -> None:
        """Hear that a server has a page no more."""
        endpoint.in_flight -= 1
        self.forget(work)

    def forget(self, work: Work) -> None:
        """Keep no server for a page any more."""
        for endpoint in self.endpoints:
            if endpoint.alone is work:
                endpoint.alone = None

    def all_returned(self) -> None:
        """Hear that no server has a page any more."""
        for endpoint in self.endpoints:
            endpoint.in_flight, endpoint.alone = 0, None

    def changed(self, endpoint: Endpoint, result: Result) -> Failure | None:
        """Return a failure for an answer under another model's name than before, until a probe has looked again.

        What stands before several servers may pass on names of their own: those are known from then on.
        """
        name = result.model
        if name is None or name in endpoint.answers_as:
            return None
        if not endpoint.answers_as:
            endpoint.answers_as.add(name)
            return None
        endpoint.stranger = name
        before = ", ".join(sorted(endpoint.answers_as))
        return Failure(Blame.BARRED, f"it answers as {name[:100]!r}, before as {before[:100]!r}")

    def wake(self) -> None:
        """Ask at once when all are out: whoever reads again has waited already."""
        if all(endpoint.error is not None for endpoint in self.endpoints):
            for endpoint in self.endpoints:
                endpoint.until = 0.0

    def look_after(self, now: float, *, idle: bool) -> None:
        """Ask those whose pause is over; raise `ReasonedError` when none can be used, and none has a page (*idle*)."""
        try:
            while True:
                self._answered(*self._probed.get_nowait())
        except queue.Empty:
            pass
        for endpoint in self.endpoints:
            if endpoint.error is not None and now >= endpoint.until and not endpoint.probing:
                self._ask(endpoint)
        if not idle or any(endpoint.usable(now) for endpoint in self.endpoints):
            self._none_since = None
            return
        self._none_since = now if self._none_since is None else self._none_since
        asked = any(endpoint.probing for endpoint in self.endpoints)
        hopeless = all(endpoint.barred for endpoint in self.endpoints)
        if not asked and (hopeless or now - self._none_since >= PATIENCE):
            raise self._unavailable()

    def _unavailable(self) -> ReasonedError:
        said = "; ".join(f"{e.host}: {e.error or e.busy or 'too busy'}" for e in self.endpoints)
        return ReasonedError(Reason.ENGINE_UNAVAILABLE, f"No server can be used ({said}).")

    # -- probes

    def _ask(self, endpoint: Endpoint) -> None:
        endpoint.probing = True
        threading.Thread(target=self._probe, args=(endpoint,), name=f"probe {endpoint.host}", daemon=True).start()

    def _probe(self, endpoint: Endpoint) -> None:
        """(its own thread) Find out what a server is, and whether it takes a page."""
        found: Server | Failure
        try:
            first = self._first
            server = found = probe(endpoint.transport, self._remote.model or (first.model if first else None))
            seconds = min(PROBE_SECONDS, self._remote.first_byte_timeout)
            words = self._words(server.family)
            exchange = self._probes[endpoint.url] = Exchange(endpoint.transport)
            try_page(exchange, server, self._remote, words, seconds)
        except Failed as error:
            if not _harmless(error.failure, known=endpoint.last_success >= 0):
                found = error.failure
        except Exception as error:  # the edge of a thread
            found = Failure(Blame.LOST, f"{type(error).__name__}: {error}"[:300])
        self._probes.pop(endpoint.url, None)
        self._probed.put((endpoint, found))

    def _answered(self, endpoint: Endpoint, found: Server | Failure) -> None:
        now, endpoint.probing = time.monotonic(), False
        if isinstance(found, Failure):
            endpoint.out(found.detail, now, barred=found.blame in (Blame.BARRED, Blame.REFUSED))
            return
        self._first = self._first or found
        if (found.model, found.identity) != (self._first.model, self._first.identity):
            endpoint.out(f"it runs another model than the first ({found.model[:100]})", now, barred=True)
            return
        endpoint.up(found, now)
        endpoint.last_success = now

    # -- what others may know

    def tell(self, report: Callable[[list[RemoteStatus]], None], *, now: bool = False) -> None:
        """Report how the servers are: a few times a second at most, unless it is wanted *now*."""
        told, at = self._told
        current = [endpoint.status() for endpoint in self.endpoints]
        states = [(status.state, status.error) for status in current] != [(s.state, s.error) for s in told]
        moment = time.monotonic()
        if current != told and (now or states or moment - at >= TELL_EVERY):
            self._told = current, moment
            report(current)

    def close(self) -> None:
        """End the probes under way."""
        for exchange in list(self._probes.values()):
            exchange.cancel()


def _kept_for(work: Work, usable: Sequence[Endpoint]) -> Endpoint | None:
    """Return the server that is kept for a page, or the one to keep: it gets no new page until it has none."""
    kept = next((e for e in usable if e.alone is work), None)
    return kept or min((e for e in usable if e.alone is None), key=lambda e: e.in_flight, default=None)


def _harmless(failure: Failure, *, known: bool) -> bool:
    """Say whether a tiny page that was not read tells nothing against a server: it is busy, or does not like this one.

    Before a server has ever answered, a page that it does not take means that the settings are wrong.
    """
    return failure.blame is Blame.LATE or (known and failure.blame is Blame.REFUSED)
