"""An agent that cannot begin yet: it holds the state, answers `status` with the reason, and refuses all else.

The reason is a fault of the settings, or what keeps the state from being used, such as a newer program's journal.
"""

import os
import selectors
import time

from dropscribe.config import Settings
from dropscribe.control.lock import StateLock
from dropscribe.control.server import Client, Control, Request
from dropscribe.core import protocol
from dropscribe.core.errors import UsageError
from dropscribe.core.protocol import Answer
from dropscribe.core.status import Status
from dropscribe.service import status


class Standby:
    """Stands in for the daemon until it can begin; where another daemon holds the state, it only waits."""

    def __init__(self, settings: Settings, path: str | None, *, of_settings: bool = True) -> None:
        """*of_settings* says whether it is the settings that are at fault."""
        self._settings, self._path, self._of_settings = settings, path, of_settings
        self._started = time.time()
        self._selector = selectors.DefaultSelector()
        self._lock: StateLock | None = None
        self._control: Control | None = None
        try:
            self._lock = StateLock(settings.folders.state)
            self._control = Control(settings.folders.state, self._selector)
        except (OSError, UsageError):
            pass  # nobody can be answered; the log tells it

    def wait(self, fault: str, seconds: float) -> None:
        """Answer for *seconds*; *fault* is what keeps the daemon from beginning."""
        end = time.monotonic() + seconds
        if self._control is None:
            time.sleep(seconds)
        while self._control is not None and (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if isinstance(key.data, Client):
                    for request in self._control.serve(key.data):
                        self._answer(request, fault)
                else:
                    self._control.accept()
            self._control.sweep()

    def _answer(self, request: Request, fault: str) -> None:
        if isinstance(request.asked, protocol.StatusRequest):
            request.reply(protocol.StatusAnswer(status=self._status(fault)))
        else:
            what, remedy = f"the daemon cannot begin yet: {fault}", "dropscribe doctor says what to do"
            if self._of_settings:
                what = f"the daemon waits for its settings to be corrected: {fault}"
                remedy = "correct them; dropscribe check tells when they are valid"
            request.reply(Answer(ok=False, error=what, remedy=remedy))

    def _status(self, fault: str) -> Status:
        told = status.stopped(self._settings, self._path)
        told.daemon.running, told.daemon.agent, told.daemon.pid = True, True, os.getpid()
        told.daemon.started = status.stamp(self._started)
        if self._of_settings:
            told.daemon.config_error = fault
        else:
            told.queue.paused, told.queue.paused_reason = True, fault
        return told

    def close(self) -> None:
        """Make room for the daemon; may be called twice."""
        for part in (self._control, self._lock, self._selector):
            if part is not None:
                part.close()
