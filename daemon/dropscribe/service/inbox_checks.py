"""Whether inboxes are there still: all are looked at together, so that many wake the daemon no oftener than one."""

from collections.abc import Sequence

from dropscribe.intake.intake import ROOT_CHECK
from dropscribe.service.flow import Flow, Flows, on_disk
from dropscribe.service.inbox import Inbox


class InboxChecks:
    """Looks at inboxes on the disk thread when one of them is due."""

    def __init__(self, flows: Flows) -> None:
        self._flows, self._running = flows, False

    def tick(self, inboxes: Sequence[Inbox], now: float) -> None:
        """Look at all of *inboxes* if it is time."""
        if self._running or not any(now >= inbox.next_check for inbox in inboxes):
            return
        self._running = True
        for inbox in inboxes:
            inbox.next_check = now + ROOT_CHECK
        self._flows.start(self._check(inboxes))

    def _check(self, inboxes: Sequence[Inbox]) -> Flow[None]:
        try:
            found = yield from on_disk(lambda: [inbox.usable() for inbox in inboxes])
        finally:
            self._running = False
        for inbox, seen in zip(inboxes, found, strict=True):
            inbox.checked(seen)
