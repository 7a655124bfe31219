"""The exception tree and the reasons a user can meet.

Every reason has a kind, and the kind decides what happens: a file is rejected, an engine is tried again, an
environment fault pauses the queue. *When* one is raised is decided elsewhere.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a reason blames, and so what is done about it."""

    FILE = "file"  # rejected at once, never tried again
    ENGINE = "engine"  # an attempt is counted; rejected after the last
    ENVIRONMENT = "environment"  # the queue is paused; no file fails


class Reason(StrEnum):
    """Short stable names, part of the interface (`failed/NAME.error.txt`, `status`)."""

    NOT_AN_IMAGE = "not-an-image"
    UNSUPPORTED = "unsupported"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    ENCRYPTED = "encrypted"
    TOO_BIG = "too-big"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_MANY_PAGES = "too-many-pages"
    DECODE_TIMEOUT = "decode-timeout"
    DECODE_MEMORY = "decode-memory"
    UNWRITABLE_NAME = "unwritable-name"
    ENGINE_CRASH = "engine-crash"
    ENGINE_TIMEOUT = "engine-timeout"
    ENGINE_ERROR = "engine-error"
    NO_TEXT = "no-text"
    DISK_FULL = "disk-full"
    OUTBOX_MISSING = "outbox-missing"
    INBOX_OFFLINE = "inbox-offline"
    MODEL_MISSING = "model-missing"
    MODEL_BROKEN = "model-broken"
    TOO_LITTLE_MEMORY = "too-little-memory"
    PRESSURE = "pressure"
    ENGINE_UNAVAILABLE = "engine-unavailable"

    @property
    def kind(self) -> Kind:
        """Return what this reason blames."""
        if (self.startswith("engine-") and self is not Reason.ENGINE_UNAVAILABLE) or self is Reason.NO_TEXT:
            return Kind.ENGINE
        return Kind.ENVIRONMENT if self in _ENVIRONMENT else Kind.FILE

    @property
    def may_be_delay(self) -> bool:
        """Say whether a file with this fault may still be incomplete (`intake.incomplete_timeout` decides)."""
        return self in _MAY_BE_DELAY


_ENVIRONMENT = {
    Reason.DISK_FULL,
    Reason.OUTBOX_MISSING,
    Reason.INBOX_OFFLINE,
    Reason.MODEL_MISSING,
    Reason.MODEL_BROKEN,
    Reason.TOO_LITTLE_MEMORY,
    Reason.PRESSURE,
    Reason.ENGINE_UNAVAILABLE,
}
_MAY_BE_DELAY = {
    Reason.NOT_AN_IMAGE,
    Reason.UNSUPPORTED,
    Reason.EMPTY,
    Reason.TRUNCATED,
    Reason.DAMAGED,
    Reason.UNREADABLE,
}

REMEDIES = {
    Reason.NOT_AN_IMAGE: "open it in the program that created it and export it as PNG, JPEG or PDF",
    Reason.UNSUPPORTED: "convert it to PNG, JPEG, TIFF or PDF",
    Reason.EMPTY: "copy it again; the copy seems to have stopped at the start",
    Reason.TRUNCATED: "copy or download it again; the end is missing",
    Reason.DAMAGED: "copy it again from its source, or export it again from the program that created it",
    Reason.UNREADABLE: "give the user that runs Dropscribe permission to read it, then run: dropscribe retry",
    Reason.ENCRYPTED: "save a copy that opens for everybody, and take that",
    Reason.TOO_BIG: "raise intake.max_file in config.yaml, or split the file",
    Reason.TOO_MANY_PIXELS: "raise intake.max_pixels in config.yaml, or scale the picture down",
    Reason.TOO_MANY_PAGES: "raise intake.max_pages in config.yaml, or split the document",
    Reason.DECODE_TIMEOUT: "raise intake.decode_timeout in config.yaml, or export the file again",
    Reason.DECODE_MEMORY: "export the file again at a lower resolution",
    Reason.UNWRITABLE_NAME: "rename the file, or set folders.outbox to another disk, then run: dropscribe retry",
    Reason.ENGINE_CRASH: "run: dropscribe retry; if it happens again, convert the file to PNG",
    Reason.ENGINE_TIMEOUT: "raise engine.page_timeout in config.yaml, then run: dropscribe retry",
    Reason.ENGINE_ERROR: "run: dropscribe retry; dropscribe logs tells where it went wrong",
    Reason.NO_TEXT: "try another engine.mode or engine.prompt in config.yaml, then run: dropscribe retry",
    Reason.DISK_FULL: "free some space; the queue resumes by itself",
    Reason.OUTBOX_MISSING: "make the outbox folder available again (is a disk unplugged?); the queue resumes by itself",
    Reason.INBOX_OFFLINE: "make the inbox folder available again (is a share unmounted?); the queue resumes by itself",
    Reason.MODEL_MISSING: "run: dropscribe models pull, or set engine.model to a folder that holds the model",
    Reason.MODEL_BROKEN: "run: dropscribe models remove, then dropscribe models pull",
    Reason.TOO_LITTLE_MEMORY: "close a large program, or set engine.name to rapidocr (lighter); the queue resumes",
    Reason.PRESSURE: "close a large program; the queue resumes by itself",
    Reason.ENGINE_UNAVAILABLE: "run: dropscribe doctor (names what is missing), or set engine.name: rapidocr",
}


# What the machine lacks for the moment: no file and no folder is to blame, and the same call works later.
SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class DropscribeError(Exception):
    """A fault that is reported to the user in two lines: where and what, then what to try."""

    exit_code = 1

    def __init__(self, where: str, what: str, remedy: str = "") -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what, self.remedy = where, what, remedy


class UsageError(DropscribeError):
    """Wrong arguments, or another daemon holds the state."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One fault of a settings file: a dotted key, what is wrong (with the value), what to try."""

    where: str
    what: str
    remedy: str


class ConfigError(DropscribeError):
    """All faults of a settings file at once."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault], salvaged: object = None) -> None:
        """*salvaged* are the settings with every invalid one at its default, where the file could be read at all."""
        first = faults[0]
        super().__init__(first.where, first.what, first.remedy)
        self.faults, self.salvaged = tuple(faults), salvaged

    @property
    def summary(self) -> str:
        """All faults in one line."""
        return "; ".join(f"{fault.where}: {fault.what}" for fault in self.faults)


class ReasonedError(Exception):
    """The current work failed for a `Reason`; *detail* is a sentence for the user."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Stopped(Exception):
    """The current work was asked to stop (unload, memory pressure, end of the daemon); this is no failure."""
