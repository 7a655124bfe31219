"""Writes down what our own code did: reads of /proc, reads of evicted files, errors of programming, lines that ran.

Lines are followed only in files that speak of macOS; each process adds its own to `lines.log` when it ends.
"""

import atexit
import os
import sys
import threading
from types import FrameType
from typing import Any

import as_mac

FOLDER = os.environ["FAKE_MAC"]
PACKAGE = os.environ["FAKE_MAC_PACKAGE"]
MARKS = ("darwin", "macos", " Mac")
DATALESS = 0x40000000
CLOSED = os.environ.get("FAKE_MAC_CLOSED", "/nowhere")  # a folder that TCC closes to agents and opens to a terminal
IS_AGENT = bool(os.environ.get("FAKE_MAC_AGENT"))
MISTAKES = (AttributeError, TypeError, NameError, ImportError, AssertionError, ValueError, SystemError)
_followed: dict[str, bool] = {}
_lines: set[tuple[str, int]] = set()


def write(name: str, text: str) -> None:
    """Add lines to a log of the rehearsal."""
    with open(os.path.join(FOLDER, name), "a", encoding="utf-8", errors="replace") as file:
        file.write(text)


def caller(frame: FrameType | None) -> str | None:
    """Return where our own code asked for it, or None when a library did."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE):
            return f"{os.path.relpath(name, PACKAGE)}:{frame.f_lineno}"
        if "site-packages" in name:
            return None
        frame = frame.f_back
    return None


def heard(event: str, values: tuple[Any, ...]) -> None:
    """Note, and where it matters refuse, what a Mac would not have."""
    if event not in ("open", "os.listdir", "os.scandir") or not isinstance(values[0], (str, bytes)):
        return
    path = os.fsdecode(values[0])
    if IS_AGENT and path.startswith(CLOSED):
        raise PermissionError(1, "Operation not permitted", path)
    if path.startswith(("/proc", "/sys/")) and (where := caller(sys._getframe(1))):
        write("violations.log", f"{event} {path} in {where}\n")
        raise FileNotFoundError(2, "No such file or directory", path)
    if event == "open" and not path.startswith(FOLDER) and _is_dataless(path):
        write("violations.log", f"{path} is in the cloud only and was opened in {caller(sys._getframe(1))}\n")


def _is_dataless(path: str) -> bool:
    try:
        return bool(as_mac.flags_of(as_mac._lstat(path)) & DATALESS)
    except OSError:
        return False


def followed(path: str) -> bool:
    """Say whether a file is ours and speaks of macOS."""
    if path not in _followed:
        _followed[path] = False
        if path.startswith(PACKAGE):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            _followed[path] = any(mark in text for mark in MARKS)
    return _followed[path]


def trace(frame: FrameType, event: str, value: Any) -> Any:
    """Follow one call; errors of programming are noted even where somebody catches them."""
    if not followed(frame.f_code.co_filename):
        return None
    where = frame.f_code.co_filename
    if event in ("call", "line") and frame.f_lineno:
        _lines.add((where, frame.f_lineno))
    elif event == "exception" and issubclass(value[0], MISTAKES) and _begins_here(value[2]):
        write("mistakes.log", f"{os.path.relpath(where, PACKAGE)}:{frame.f_lineno} {value[0].__name__}: {value[1]}\n")
    return trace


def _begins_here(traceback: Any) -> bool:
    """Say whether an error was raised in this frame: it is told once, and not by everything it passes through."""
    return traceback is not None and traceback.tb_next is None


def flush() -> None:
    """Write down the lines that ran."""
    write("lines.log", "".join(f"{os.path.relpath(path, PACKAGE)}:{line}\n" for path, line in sorted(_lines)))


def install() -> None:
    """Begin to watch this process."""
    sys.addaudithook(heard)
    atexit.register(flush)
    threading.settrace(trace)
    sys.settrace(trace)
