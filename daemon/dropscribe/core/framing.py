"""The protocol between daemon and worker: messages of JSON behind a length, over a socket pair.

A message is a flat dict with a `kind`. It does not know what the kinds mean.
"""

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct(">I")
LONGEST = 16 * 2**20  # far above any real message; a longer one means that the stream is out of sync

Message = dict[str, Any]


class BrokenStream(Exception):
    """The other side sent something that is not a message."""


def pack(message: Message) -> bytes:
    """Return the bytes of *message*; lone surrogates (undecodable names) survive as escapes."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return HEADER.pack(len(body)) + body


class Inbound:
    """Cuts a stream of bytes into messages, however they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that *data* completes; raise `BrokenStream` on anything else."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > LONGEST:
                raise BrokenStream(f"a message of {length} bytes")
            if len(self._buffer) < HEADER.size + length:
                return
            body = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            try:
                message = json.loads(body)
            except ValueError as error:
                raise BrokenStream(str(error)) from None
            if not isinstance(message, dict):
                raise BrokenStream(f"a message that is no mapping: {message!r:.60}")
            yield message


def receive(sock: socket.socket, inbound: Inbound) -> list[Message] | None:
    """Read what is there (blocking once at most) and return whole messages; None at the end of the stream."""
    try:
        data = sock.recv(65536)
    except (BlockingIOError, InterruptedError):
        return []
    except ConnectionError:
        return None
    return list(inbound.feed(data)) if data else None
