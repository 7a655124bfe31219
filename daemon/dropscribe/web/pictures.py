"""The server's handle on the process that makes pictures: one at a time, started when wanted, ended when idle.

It decodes nothing and imports no decoder; see `picture_process`.
"""

import asyncio
import socket
import subprocess
import sys
from typing import Any

import msgspec

from dropscribe.config import Settings, plain
from dropscribe.core.framing import HEADER, LONGEST
from dropscribe.files.places import Place

IDLE = 60.0  # seconds after which the process goes
BEYOND = 60.0  # seconds for a start of it and of its decoder, beside the decoder's own limits
COMMAND = (sys.executable, "-m", "dropscribe.web.picture_process")


class NoPicture(Exception):
    """There is no picture of this page; the message is a sentence for the user."""


class Pictures:
    """Makes pictures of pages."""

    def __init__(self, idle: float = IDLE) -> None:
        self._idle = idle
        self._turn = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._ending: asyncio.TimerHandle | None = None

    async def of(self, place: Place, page: int, rotation: int, settings: Settings) -> bytes:
        """Return the picture of a page of the file at *place*, as WebP; raise `NoPicture`."""
        request = {
            "type": "Show", "root": place.root, "path": place.path, "page": page, "rotation": rotation,
            "settings": plain(settings),
        }  # fmt: skip
        async with self._turn:
            self._stay()
            try:
                async with asyncio.timeout(4 * settings.intake.decode_timeout + BEYOND):
                    answer = await self._ask(request)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.close()
                raise NoPicture("The process that makes pictures died or took too long.") from None
            except BaseException:  # the browser has left in the middle of an answer
                self.close()
                raise
            finally:
                self._leave_later()
        if answer["type"] != "Shown":
            raise NoPicture(str(answer["detail"]))
        return bytes(answer["image"])

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            await self._start()
        body = msgspec.msgpack.encode(request)
        self._writer.write(HEADER.pack(len(body)) + body)
        await self._writer.drain()
        (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        if length > LONGEST:
            raise OSError(f"an answer of {length} bytes")
        answer: dict[str, Any] = msgspec.msgpack.decode(await self._reader.readexactly(length))
        return answer

    async def _start(self) -> None:
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)

    def _stay(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _leave_later(self) -> None:
        self._stay()
        self._ending = asyncio.get_running_loop().call_later(self._idle, self.close)

    def close(self) -> None:
        """End the process; may be called twice."""
        if self._process is not None:
            self._writer.close()
            self._process.kill()
            self._process.wait()
            self._process = None
