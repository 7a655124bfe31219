"""Logging of the daemon: one line an event, rotated by ourselves or by others, readable by the owner only.

launchd and systemd never rotate what a program prints; the daemon therefore logs to a file of its own, and to
standard error only in the foreground.
"""

import json
import logging
import os
import sys
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler

from dropscribe.core.job import on_one_line

LOG = logging.getLogger("dropscribe")
LARGEST = 2 * 10**6  # bytes of one log file
KEPT = 5  # older files


class OneLine(logging.Formatter):
    """`2026-11-23 09:30:12 info  text`, with control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{stamp} {record.levelname.lower():7} {_message(self, record)}"


class JsonLine(logging.Formatter):
    """One JSON object a line: `time` (seconds since 1970), `level`, `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        values = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "message": _message(self, record),
        }
        return json.dumps(values, ensure_ascii=False)


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += " | " + formatter.formatException(record.exc_info)
    return on_one_line(text)


class PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner may read; reopened when it was moved or removed from outside."""

    def _open(self) -> TextIOWrapper:
        return open(
            os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
            "a",
            encoding="utf-8",
            errors="backslashreplace",
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record into the file that has the log's name now."""
        if self.stream is not None and not self._is_in_place(self.stream):
            self.reopen()
        super().emit(record)

    def _is_in_place(self, stream: TextIOWrapper) -> bool:
        try:
            return os.path.samestat(os.stat(self.baseFilename), os.fstat(stream.fileno()))
        except OSError:
            return False

    def reopen(self) -> None:
        """Reopen the file, with its folder; while that cannot be, the former one is written on."""
        self.acquire()
        try:
            os.makedirs(os.path.dirname(self.baseFilename), mode=0o700, exist_ok=True)
            former, self.stream = self.stream, self._open()
            if former is not None:
                former.close()
        except OSError:
            pass
        finally:
            self.release()


def reopen() -> None:
    """Reopen the log's file, as a log rotator asks for with SIGHUP."""
    for handler in LOG.handlers:
        if isinstance(handler, PrivateFile):
            handler.reopen()


def path(folder: str) -> str:
    """Return the path of the log in *folder*."""
    return os.path.join(folder, "dropscribe.log")


def start(folder: str, level: str, form: str, *, to_terminal: bool, warnings: bool = False) -> None:
    """Begin to log into *folder*; a folder that cannot be written is reported on standard error and not fatal.

    Standard error gets all of it too (*to_terminal*), or only *warnings* and worse.
    """
    for handler in list(LOG.handlers):
        LOG.removeHandler(handler)
        handler.close()
    LOG.propagate = False
    LOG.setLevel(level.upper())
    formatter = JsonLine() if form == "json" else OneLine()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        LOG.addHandler(PrivateFile(path(folder), maxBytes=LARGEST, backupCount=KEPT))
    except OSError as error:
        print(f"warning: log folder {folder}: cannot be written ({error.strerror})", file=sys.stderr)
        to_terminal = True
    if to_terminal:
        LOG.addHandler(logging.StreamHandler(sys.stderr))
    elif warnings:
        LOG.addHandler(logging.StreamHandler(sys.stderr))
        LOG.handlers[-1].setLevel(logging.WARNING)
    # watchdog tells its own races at shutdown as warnings; only what breaks it is news here.
    watching = logging.getLogger("watchdog")
    watching.handlers, watching.propagate = list(LOG.handlers), False
    watching.setLevel(logging.ERROR)
    for handler in LOG.handlers:
        handler.setFormatter(formatter)
