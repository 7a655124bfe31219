"""A process that locks itself and then tries what it must not be able to: how `doctor` knows that the sandbox holds.

Run as a program; it prints one JSON object. Whatever it tries is harmless where it succeeds.
"""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

from dropscribe.sandbox.bounds import Bounds
from dropscribe.sandbox.lock import lock

LIMITS = Bounds(memory=1 << 30, file=1 << 20)


def attempts(folder: str) -> dict[str, Callable[[], object]]:
    """Return what is tried, by name; what could be written goes to *folder*."""
    new = os.path.join(folder, "written")
    return {
        "read a file": lambda: os.open(__file__, os.O_RDONLY),
        "list a folder": lambda: os.listdir(folder),
        "write a file": lambda: os.open(new, os.O_CREAT | os.O_WRONLY),
        "remove a file": lambda: os.unlink(new),
        "reach the network": socket.socket,
        "reach other processes": lambda: socket.socket(socket.AF_UNIX),
        "start a process": _fork,
        "signal a process": lambda: os.kill(os.getppid(), 0),
        "raise a limit": lambda: _raise(resource.RLIMIT_AS),
    }


def succeeded(tried: dict[str, Callable[[], object]]) -> list[str]:
    """Return the names of the attempts that were not refused."""
    found = []
    for name, attempt in tried.items():
        try:
            attempt()
        except (OSError, ValueError, MemoryError):
            continue
        found.append(name)
    return found


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _raise(kind: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY:
        return  # there is no limit to be raised
    resource.setrlimit(kind, (hard + (1 << 30), hard + (1 << 30)))


def main() -> None:
    """Lock this process, try everything, and say what was lacking and what succeeded all the same.

    The only argument is an empty folder, which the caller removes: from here it cannot be.
    """
    signal.alarm(20)
    (folder,) = sys.argv[1:]
    out = os.dup(sys.stdout.fileno())
    with open(os.path.join(folder, "document"), "w+b") as document:
        tried = attempts(folder)
        lacking = lock(LIMITS, document.fileno())
        os.write(out, json.dumps({"lacking": lacking, "succeeded": succeeded(tried)}).encode())


if __name__ == "__main__":
    main()
