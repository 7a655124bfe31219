"""The helper that forks a process for each document, and tells the worker how those ended that did not end well.

Where nothing may be forked, the process itself waits for its document.

It is the decoder's side of `helper`; what a document's process does is passed to it. It touches no file.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import struct
from collections.abc import Callable
from types import FrameType

ENDED = struct.Struct("=ii")  # a process, and its exit code or, negative, the signal that it died of
Serve = Callable[[socket.socket, int, int], None]


def run(connection: socket.socket, serve: Serve) -> None:
    """Fork a process for each document that the worker sends (its connection, the document, shared memory)."""
    gc.collect()
    gc.freeze()  # what is imported is shared with every child, as long as nobody touches it
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _heed)
    while True:
        ready, _, _ = select.select([connection.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_of_the_dead(connection)
        if connection.fileno() in ready and not _begin(connection, serve, (woken, waker)):
            return


def _heed(number: int, frame: FrameType | None) -> None:
    """Do nothing: that the signal has a handler is what wakes the helper."""


def wait_for_one(connection: socket.socket, serve: Serve) -> None:
    """Serve one document in this very process, where forking is not safe: warm, it waits for its turn."""
    taken = _taken(connection)
    connection.close()
    if taken:
        theirs, document, shared = taken
        serve(socket.socket(fileno=theirs), document, shared)


def _taken(connection: socket.socket) -> list[int]:
    """Return the descriptors of the next document; none at the end of the connection."""
    message, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    return descriptors if message else []


def _begin(connection: socket.socket, serve: Serve, mine: tuple[int, int]) -> bool:
    """Fork the process of one document; return False at the end of the connection."""
    taken = _taken(connection)
    if not taken:
        return False
    theirs, document, shared = taken
    parent = os.getpid()
    if os.fork() == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.close()
        for descriptor in mine:
            os.close(descriptor)
        _die_with(parent)
        serve(socket.socket(fileno=theirs), document, shared)
        os._exit(0)
    for descriptor in (theirs, document, shared):
        os.close(descriptor)
    return True


def _tell_of_the_dead(connection: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if code := os.waitstatus_to_exitcode(ended[1]):
                with contextlib.suppress(OSError):  # nobody listens
                    connection.send(ENDED.pack(ended[0], code), socket.MSG_DONTWAIT)


def _die_with(parent: int) -> None:
    """Have Linux kill this process when the helper ends, also when it just did."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(0)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, even while native code holds the interpreter."""
    import ctypes

    if (prctl := getattr(ctypes.CDLL(None), "prctl", None)) is not None:
        prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
