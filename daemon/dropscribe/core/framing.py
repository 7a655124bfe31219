"""Messages on a stream of bytes: MessagePack behind a length, over a socket pair. It does not know what they mean."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

HEADER = struct.Struct(">I")
LONGEST = 16 * 2**20  # far above any real message; a longer one means that the stream is out of sync

M = TypeVar("M")


class BrokenStream(Exception):
    """The other side sent something that is not a message."""


def pack(message: msgspec.Struct) -> bytes:
    """Return the bytes of *message*."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


class Inbound(Generic[M]):
    """Cuts a stream of bytes into messages of one *kind* (a union of tagged Structs), however they arrive."""

    def __init__(self, kind: Any) -> None:
        self._buffer = bytearray()
        self._broken: BrokenStream | None = None
        self._decoder = msgspec.msgpack.Decoder(kind)

    def feed(self, data: bytes) -> Iterator[M]:
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
                yield self._decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise BrokenStream(str(error)) from None

    def whole(self, data: bytes) -> list[M]:
        """Return the messages that *data* completes; nonsense behind them is raised with the next call."""
        if self._broken is not None:
            raise self._broken
        messages: list[M] = []
        try:
            messages.extend(self.feed(data))  # those before a fault are in the list all the same
        except BrokenStream as error:
            self._broken = error
            if not messages:
                raise
        return messages


def receive(sock: socket.socket, inbound: Inbound[M]) -> list[M] | None:
    """Read what is there (blocking once at most) and return whole messages; None at the end of the stream."""
    try:
        data = sock.recv(65536)
    except (BlockingIOError, InterruptedError):
        return []
    except ConnectionError:
        return None
    return inbound.whole(data) if data else None


def receive_with_descriptors(sock: socket.socket, inbound: Inbound[M], most: int) -> tuple[list[M], list[int]] | None:
    """Read as `receive` does, with the descriptors (at most *most*) that came along: the caller closes those."""
    try:
        data, descriptors, _, _ = socket.recv_fds(sock, 65536, most)
    except ConnectionError:
        return None
    return (inbound.whole(data), descriptors) if data else None
