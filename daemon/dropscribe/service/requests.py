"""What the control socket can ask of a running daemon."""

import os
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from dropscribe.control.server import Client, Request
from dropscribe.core.errors import DropscribeError
from dropscribe.core.job import Order
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.values import Died, Finished
from dropscribe.log import LOG
from dropscribe.service import status
from dropscribe.service.retry import Retries
from dropscribe.worker import page_cache

if TYPE_CHECKING:
    from dropscribe.service.app import Service


class Requests:
    """Answers requests on behalf of the service."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._reads: list[tuple[Request, Order]] = []  # files to read beside the queue, in order
        self._left: list[tuple[Client, str]] = []  # answered, and the folders with their texts
        self._numbers = 0
        self._retries = Retries(service)
        shutil.rmtree(os.path.join(service.settings.folders.state, "read"), ignore_errors=True)

    def answer(self, request: Request, now: float) -> None:
        """Answer one request; an unknown or broken one gets a reply too."""
        name = request.values.get("command")
        try:
            match name:
                case "status":
                    request.reply(ok=True, status=status.running(self._service, now))
                case "pause" | "resume":
                    self._pause(name == "pause")
                    request.reply(ok=True)
                case "unload":
                    self._service.host.unload("command", now)
                    request.reply(ok=True, status=status.running(self._service, now))
                case "retry":
                    self._retries.begin(request, [os.fsencode(str(n)) for n in request.values.get("names", [])])
                case "read":
                    self._read(request)
                    self.advance(now)
                case "agent-probe":
                    request.reply(ok=True, **status.folder_access(self._service.settings))
                case _:
                    request.reply(ok=False, error=f"unknown command {name!r}")
        except Exception as error:  # one request must not end the daemon
            LOG.exception("control: %s", name)
            told = (
                {"error": error.what, "remedy": error.remedy}
                if isinstance(error, DropscribeError)
                else {"error": f"{error}"}
            )
            request.reply(ok=False, **told)

    def _pause(self, paused: bool) -> None:
        self._service.paused = paused
        note = partial(self._service.journal.metadata.note, "paused", "by command" if paused else None)
        self._service.backoff.record(note, time.monotonic())
        if paused:
            self._service.host.make_way(at_any_page=True)
        LOG.info("the queue is %s by command", "paused" if paused else "resumed")

    # -- read: files that are not in the inbox

    @property
    def reading(self) -> bool:
        """Say whether somebody waits for a file to be read."""
        return bool(self._reads)

    def _read(self, request: Request) -> None:
        path = str(request.values.get("path"))
        self._numbers -= 1
        staging = os.path.join(self._service.settings.folders.state, "read", str(-self._numbers))
        formats = tuple(f for f in request.values.get("formats", ["txt"]) if f in SUFFIXES)
        order = Order(self._numbers, 0, os.path.basename(path), path, os.path.basename(path), staging, formats)
        self._reads.append((request, order))

    def advance(self, now: float) -> None:
        """Give the first waiting file to the worker, when it is free; it goes before the queue."""
        self._sweep()
        service = self._service
        if not self._reads:
            return
        request, order = self._reads[0]
        if self._in_hand(order):
            if not request.client.open:
                service.host.make_way(at_any_page=True)  # nobody waits for it any more
        elif not request.client.open:
            del self._reads[0]
        elif service.jobs.reading:
            service.host.make_way()
        elif service.host.ensure_ready(now):
            service.host.read(order, now)
        elif service.host.admission.blocked_reason is not None:
            self._answer({"ok": False, "error": service.host.admission.blocked_reason})

    def turn_away(self) -> None:
        """At the end of the daemon: answer those whose file is not in hand."""
        while self._reads and not self._in_hand(self._reads[0][1]):
            self._answer({"ok": False, "error": "the daemon is stopping"})

    @property
    def in_hand(self) -> bool:
        """Say whether a file that was asked for is being read or moved."""
        return self._retries.under_way or (bool(self._reads) and self._in_hand(self._reads[0][1]))

    def _answer(self, values: dict[str, Any]) -> None:
        """Answer the first who waits; its files stay until it has left."""
        request, order = self._reads.pop(0)
        self._left.append((request.client, order.staging))
        request.reply(**values)

    def _sweep(self) -> None:
        """Remove the texts of those who have left."""
        for client, staging in [item for item in self._left if not item[0].open]:
            self._left.remove((client, staging))
            remove = partial(_remove, self._service.settings.folders.state, staging)
            self._service.disk.ask(remove, lambda done: None, lambda error: LOG.warning("read: %s", error))

    def _in_hand(self, order: Order) -> bool:
        active = self._service.host.active
        return active is not None and active.order.job == order.job

    def owns(self, event: Finished | Died) -> bool:
        """Say whether the event is about a file that was read by command."""
        return event.order.job < 0

    def read_ended(self, event: Finished | Died) -> None:
        """Tell the one who waits; a reading that had to make way is taken up again."""
        stopping = self._service.stopping
        if isinstance(event, Died):
            self._answer({"ok": False, "reason": event.reason, "error": event.detail})
        elif event.outcome.end in ("yielded", "stopped"):
            if stopping or not self._reads[0][0].client.open:
                self._answer({"ok": False, "error": "the daemon is stopping"})
        elif event.outcome.end == "read":
            files = {s: os.path.join(event.order.staging, "out" + s) for s in event.outcome.staged}
            told = {name: getattr(event.outcome, name) for name in ("pages", "seconds", "review")}
            self._answer({"ok": True, "files": files, **told})
        else:
            self._answer({"ok": False, "reason": event.outcome.reason, "error": event.outcome.detail})


def _remove(state: str, staging: str) -> None:
    """Remove the texts of a file that was read by command, and its pages; the folder bears the order's number."""
    shutil.rmtree(staging, ignore_errors=True)
    page_cache.forget_job(state, -int(os.path.basename(staging)))
