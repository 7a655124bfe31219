"""What the control socket can ask of a running daemon."""

import os
import shutil
import time
from collections.abc import Callable
from typing import Protocol

from dropscribe.control.server import Client, Request
from dropscribe.core import protocol
from dropscribe.core.errors import DropscribeError
from dropscribe.core.job import Order, Outcome
from dropscribe.core.protocol import Answer, ReadAnswer
from dropscribe.core.status import Status
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.host import Host
from dropscribe.host.values import Died, Finished
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.memory.history import History
from dropscribe.service.flow import Event, Flow, Flows, Until, on_disk
from dropscribe.service.lanes import Lanes
from dropscribe.service.retry import Retries
from dropscribe.worker import page_cache


class Pausable(Protocol):
    """Whose queue can be paused."""

    paused: bool


class Requests:
    """Answers on behalf of the daemon."""

    def __init__(
        self, state: str, journal: Journal, flows: Flows, host: Host, lanes: Lanes, retries: Retries, daemon: Pausable,
        status: Callable[[], Status], folders: Callable[[], dict[str, str]], history: History,
    ) -> None:  # fmt: skip
        self._state, self._journal, self._flows, self._host = state, journal, flows, host
        self._lanes, self._retries, self._daemon, self._status, self._folders = lanes, retries, daemon, status, folders
        self._history = history
        self._numbers = 0
        self._reading = self._waiting_alone = 0  # files that somebody waits for; of these, suspects not given yet
        self.stopping = False
        shutil.rmtree(os.path.join(state, "read"), ignore_errors=True)

    @property
    def reading(self) -> bool:
        """Say whether somebody waits for a file to be read."""
        return self._reading > 0

    @property
    def waiting_alone(self) -> bool:
        """Say whether a file waits that must be read alone: nothing else is given to the worker then."""
        return self._waiting_alone > 0

    @property
    def busy(self) -> bool:
        """Say whether a file that was asked for is being read or moved."""
        return self.reading or self._retries.under_way

    def answer(self, request: Request) -> None:
        """Answer one request; an unknown or broken one gets an answer too."""
        try:
            self._answer(request)
        except DropscribeError as error:
            request.reply(Answer(ok=False, error=error.what, remedy=error.remedy))
        except Exception as error:  # one request must not end the daemon
            LOG.exception("control: %s", type(request.asked).__name__)
            request.reply(Answer(ok=False, error=str(error)))

    def _answer(self, request: Request) -> None:
        match request.asked:
            case protocol.StatusRequest():
                request.reply(protocol.StatusAnswer(status=self._status()))
            case protocol.PauseRequest():
                self._pause(True)
                request.reply(Answer())
            case protocol.ResumeRequest():
                self._pause(False)
                request.reply(Answer())
            case protocol.UnloadRequest():
                self._host.unload("command", time.monotonic())
                request.reply(protocol.StatusAnswer(status=self._status()))
            case protocol.RetryRequest(names):
                self._retries.begin([os.fsencode(name) for name in names], request.reply)
            case protocol.ReadRequest():
                self._flows.start(self._read(request, request.asked))
            case protocol.FolderRequest():
                request.reply(protocol.FolderAnswer(folders=self._folders()))
            case protocol.HistoryRequest():
                request.reply(protocol.HistoryAnswer(samples=self._history.samples, marks=list(self._history.marks)))
            case None:
                request.reply(Answer(ok=False, error=request.fault))

    def _pause(self, paused: bool) -> None:
        changed, self._daemon.paused = self._daemon.paused != paused, paused
        self._flows.record(lambda: self._journal.metadata.note("paused", "by command" if paused else None))
        if paused:
            self._host.drain()
        if changed:
            LOG.info("the queue is %s by command", "paused" if paused else "resumed")

    # -- read: a file that is not in the inbox

    def _read(self, request: Request, asked: protocol.ReadRequest) -> Flow[None]:
        """Have a file read before everything that waits; what it took is removed when the client has left."""
        lane = next((lane for lane in self._lanes.watched if lane.recipe.name == (asked.recipe or "")), None)
        if lane is None:
            request.reply(
                Answer(ok=False, error=f"there is no recipe {asked.recipe}", remedy="dropscribe check lists them")
            )
            return
        self._numbers -= 1
        path = os.fsencode(asked.path)
        order = Order(
            self._numbers, 0, os.fsdecode(os.path.basename(path)).encode("utf-8", "backslashreplace").decode(), path,
            stem=os.path.basename(path), staging=os.fsencode(os.path.join(self._state, "read", str(-self._numbers))),
            formats=tuple(name for name in asked.formats if name in SUFFIXES), prompt=asked.prompt,
            recipe=lane.recipe.name, settings=lane.travelling,
        )  # fmt: skip
        self._reading += 1
        try:
            answer = yield from self._text_of(order, request.client)
        finally:
            self._reading -= 1
        request.reply(answer)
        yield Until(lambda now: not request.client.open)
        try:
            yield from on_disk(lambda: _remove(self._state, order))
        except OSError as error:
            LOG.warning("read: %s", error)

    def _text_of(self, order: Order, client: Client) -> Flow[Answer]:
        """Return the answer; a reading that was handed back is taken up again, alone where it is a suspect."""
        suspect = False
        while True:
            if refusal := (yield from self._place(client, suspect=suspect)):
                return refusal
            self._host.give(order, time.monotonic(), suspect=suspect)
            event = yield Event(("job", order.job, order.claim))
            suspect = suspect or (event.suspect if isinstance(event, Died) else event.outcome.end == "suspect")
            if isinstance(event, Died):
                if not event.suspect:
                    return Answer(ok=False, error=event.detail, reason=event.reason)
            elif (answer := _told(event, order)) is not None:
                return answer
            yield from on_disk(
                lambda: shutil.rmtree(order.staging, ignore_errors=True)
            )  # the next try creates it again

    def _place(self, client: Client, *, suspect: bool) -> Flow[Answer | None]:
        """Wait until the worker takes a file beside whatever it reads; return why it will not be read, if so."""
        self._waiting_alone += suspect
        try:
            yield Until(lambda now: self._host.ensure_place(now, suspect=suspect) or self._refusal(client))
        finally:
            self._waiting_alone -= suspect
        return self._refusal(client)

    def _refusal(self, client: Client) -> Answer | None:
        """Return why a file will not be read, if so."""
        if self.stopping:
            return Answer(ok=False, error="the daemon is stopping")
        if not client.open:
            return Answer(ok=False, error="nobody waits for it any more")
        blocked = self._host.admission.blocked_reason
        return Answer(ok=False, error=blocked) if blocked is not None else None


def _told(event: Finished, order: Order) -> Answer | None:
    """Return what to answer for an outcome; None for a file that was handed back unread."""
    outcome: Outcome = event.outcome
    if outcome.end in ("drained", "stopped", "suspect"):
        return None
    if outcome.end != "read":
        return Answer(ok=False, error=outcome.detail, reason=outcome.reason)
    staging = os.fsdecode(order.staging)
    files = {suffix: os.path.join(staging, "out" + suffix) for suffix in outcome.staged}
    remarks = list(outcome.remarks)
    return ReadAnswer(files=files, pages=outcome.pages, seconds=outcome.seconds, review=outcome.review, remarks=remarks)


def _remove(state: str, order: Order) -> None:
    """Remove the texts of a file that was read by command, and its pages."""
    shutil.rmtree(order.staging, ignore_errors=True)
    page_cache.forget_job(state, order.job)
