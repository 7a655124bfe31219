"""Connections that nobody uses cannot keep others out: bounded in number, and closed when they stay silent.

uvicorn waits for ever for the first request of a connection, and counts such connections against its own limit. Any
page in a browser can open connections to this machine, without a cookie.
"""

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 100
SILENT = 10.0  # seconds for the first request


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose idle connections make room for new ones, the longest silent first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection in, unless all others are in use."""
        super().connection_made(transport)
        self._since = time.monotonic()
        self.loop.call_later(SILENT, self._close_unless_heard)
        others = [
            one for one in self.connections if isinstance(one, BoundedProtocol) and not one.transport.is_closing()
        ]
        if len(others) > MOST:
            idle = (one for one in others if one.is_idle)
            min(idle, key=lambda one: one._since, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Note when something was heard last."""
        self._since = time.monotonic()
        super().data_received(data)

    @property
    def is_idle(self) -> bool:
        """Say whether no request is being answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def _close_unless_heard(self) -> None:
        if self.cycle is None:
            self.transport.abort()
