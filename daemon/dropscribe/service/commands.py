"""What the control socket can ask of a running daemon."""

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from dropscribe import outbox
from dropscribe.control import Request
from dropscribe.formats import SUFFIXES
from dropscribe.host.values import Died, Finished
from dropscribe.job import Order
from dropscribe.log import LOG
from dropscribe.service import failed, status

if TYPE_CHECKING:
    from dropscribe.service import Service


class Commands:
    """Answers requests on behalf of the service."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._reads: list[tuple[Request, Order]] = []  # files to read beside the queue, in order
        self._numbers = 0

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
                    names = [os.fsencode(str(n)) for n in request.values.get("names", [])]
                    request.reply(ok=True, moved=self._retry(names), missing=[])
                case "read":
                    self._read(request)
                    self.advance(now)
                case "agent-probe":
                    request.reply(ok=True, **status.folder_access(self._service.settings))
                case _:
                    request.reply(ok=False, error=f"unknown command {name!r}")
        except Exception as error:  # one request must not end the daemon
            LOG.exception("control: %s", name)
            request.reply(ok=False, error=f"{type(error).__name__}: {error}")

    def _pause(self, paused: bool) -> None:
        self._service.paused = paused
        note = partial(self._service.journal.facts.note, "paused", "by command" if paused else None)
        self._service.holds.journalled(note, time.monotonic())
        LOG.info("the queue is %s by command", "paused" if paused else "resumed")

    def _retry(self, names: list[bytes]) -> list[str]:
        folders = self._service.settings.folders
        moved = failed.retry(folders.failed, folders.inbox, names, self._service.journal)
        for path in moved:
            self._service.inbox.offer(path)
        return [os.fsdecode(path) for path in moved]

    # -- read: files that are not in the inbox

    @property
    def reading(self) -> bool:
        """Say whether somebody waits for a file to be read."""
        return bool(self._reads)

    def _read(self, request: Request) -> None:
        path = str(request.values.get("path"))
        self._numbers -= 1
        staging = os.path.join(self._service.settings.folders.state, "read", str(-self._numbers))
        outbox.Outbox(self._service.settings.folders.state).sweep(staging)
        formats = tuple(f for f in request.values.get("formats", ["txt"]) if f in SUFFIXES)
        order = Order(self._numbers, 0, os.path.basename(path), path, os.path.basename(path), staging, formats)
        self._reads.append((request, order))

    def advance(self, now: float) -> None:
        """Give the first waiting file to the worker, when it is free."""
        while self._reads and not self._reads[0][0].client.open and not self._in_hand(self._reads[0][1]):
            del self._reads[0]
        service = self._service
        if self._reads and not service.pipeline.busy and not self._in_hand(self._reads[0][1]):
            if service.host.ensure_ready(now):
                service.host.read(self._reads[0][1], now)
            elif service.host.admission.blocked_reason is not None:
                request, _ = self._reads.pop(0)
                request.reply(ok=False, error=service.host.admission.blocked_reason)

    def _in_hand(self, order: Order) -> bool:
        reading = self._service.host.reading
        return reading is not None and reading.order.job == order.job

    def owns(self, event: Finished | Died) -> bool:
        """Say whether the event is about a file that was read by command."""
        return event.order.job < 0

    def read_ended(self, event: Finished | Died) -> None:
        """Tell the one who waits."""
        request, order = self._reads.pop(0)
        values: dict[str, Any] = {"ok": False, "error": "the reading was stopped"}
        if isinstance(event, Died):
            values = {"ok": False, "reason": event.reason, "error": event.detail}
        elif event.outcome.end == "read":
            files = {s: os.path.join(order.staging, "out" + s) for s in event.outcome.staged}
            values = {
                "ok": True,
                "files": files,
                "pages": event.outcome.pages,
                "seconds": event.outcome.seconds,
                "review": event.outcome.review,
            }
        elif event.outcome.reason is not None:
            values = {"ok": False, "reason": event.outcome.reason, "error": event.outcome.detail}
        request.reply(**values)
        self.advance(time.monotonic())
