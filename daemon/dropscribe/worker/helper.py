"""The worker's end of the process that forks decoders, or waits to be one: it gets descriptors, and tells of deaths."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time

from dropscribe.worker.decoder_helper import ENDED

COMMAND = (sys.executable, "-m", "dropscribe.worker.decoding")
# What a decoder may know of its user's environment: how to find its modules, and which language is spoken.
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
KEPT_PREFIXES = ("PYTHON", "LC_", "DYLD_", "DROPSCRIBE_", "FAKE_MAC")  # the last: the stand-ins of tests/rehearsal
TOLD = 1.0  # seconds in which the helper has told of a death
REMEMBERED = 100  # deaths that nobody has asked about


class Helper:
    """One helper, until closed; documents are begun and asked about by several threads."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = start(theirs.fileno())
        self._lock = threading.Lock()
        self._deaths: dict[int, int] = {}
        self._heard = b""

    def begin(self, descriptors: list[int]) -> None:
        """Have a process started with these descriptors; raise `OSError` when the helper has died."""
        socket.send_fds(self._connection, [b"d"], descriptors)
        with self._lock:
            self._hear(0)

    def death(self, pid: int) -> int | None:
        """Return the exit code, or minus the signal, that a process ended with: 0 where nothing is known.

        None when the helper itself has ended, which takes all its processes along.
        """
        deadline = time.monotonic() + TOLD
        with self._lock:
            while pid not in self._deaths and (left := deadline - time.monotonic()) > 0:
                if not self._hear(left):
                    self._process.wait()
                    return None
            return self._deaths.pop(pid, 0)

    def close(self) -> None:
        """End the helper; may be called twice."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _hear(self, seconds: float) -> bool:
        """Take in what the helper has to say; return False when it says nothing any more."""
        if not select.select([self._connection], [], [], seconds)[0]:
            return True
        try:
            said = self._connection.recv(4096)
        except OSError:
            said = b""
        self._heard += said
        whole = len(self._heard) // ENDED.size * ENDED.size
        self._deaths.update(ENDED.iter_unpack(self._heard[:whole]))
        self._heard = self._heard[whole:]
        for pid in list(self._deaths)[:-REMEMBERED]:
            del self._deaths[pid]
        return bool(said)


class Spare:
    """Where nothing may be forked: a warm process that waits for one document."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = start(theirs.fileno())

    def begin(self, descriptors: list[int]) -> None:
        """Give it its document; raise `OSError` when it has died."""
        with self._connection:
            socket.send_fds(self._connection, [b"d"], descriptors)

    def death(self, pid: int) -> int:
        """Return how it ended, as `Helper.death`; 0 where it has not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(TOLD)
        return self._process.returncode or 0

    def close(self) -> None:
        """End it unused; may be called twice."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def start(connection: int) -> "subprocess.Popen[bytes]":
    """Start the decoders' program with the descriptor of its connection, and little else."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT_VARIABLES or k.startswith(KEPT_PREFIXES)}
    # One thread: idle threads of a linear algebra library would not survive the forks. Two arenas: each further one
    # takes 64 MB of address space, which is bounded.
    environment = {**kept, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return subprocess.Popen(
        [*COMMAND, str(connection)], pass_fds=[connection], stdin=subprocess.DEVNULL, env=environment
    )
