"""NAME.error.txt beside a failed original: a sentence, the reason, what to try.

The note is made under its own name and before the original comes, so that no file lies in failed/ without a reason;
what has that name already, whatever it is, is never written to.
"""

import contextlib
import os

from dropscribe.core.errors import REMEDIES, Reason
from dropscribe.core.job import Job, printable
from dropscribe.files import durable, native, regular, rights
from dropscribe.files.places import Entry

NOTE = b".error.txt"
_LONGEST = 20_000  # bytes that are looked at


def write(original: Entry, job: Job, reason: Reason, detail: str, found: os.stat_result | None) -> bool:
    """Make the note of the *original*, durably; return False where another file has its name.

    *found* is the original, for its rights (see `rights`). May be repeated after a crash.
    """
    text, note = _text(job, reason, detail), Entry(original.folder, original.name + NOTE)
    there = _read(note)
    if there == text:
        return True
    if there is not None and text.startswith(there):
        note.unlink()  # ours, torn by a crash
    try:
        with regular.created(note.name, note.folder, rights.for_new(note.folder, found)) as handle:
            regular.write(handle, text)
            native.flush(handle)
    except FileExistsError:
        return False
    durable.sync_folder(note.folder)
    return True


def remove(original: Entry, job: Job, reason: Reason, detail: str) -> None:
    """Take back the note of an *original* that did not come, if it is ours."""
    note = Entry(original.folder, original.name + NOTE)
    if _read(note) == _text(job, reason, detail):
        with contextlib.suppress(OSError):  # then it stays, and says why the file failed
            note.unlink()


def is_note(entry: Entry) -> bool:
    """Say whether the file at *entry* is a note that we wrote."""
    return b"\nreason: " in (_read(entry) or b"")


def _text(job: Job, reason: Reason, detail: str) -> bytes:
    text = f"{detail}\nreason: {reason}\ntry: {REMEDIES[reason]}\nfile: {printable(job.path)}\n"
    return text.encode("utf-8", "backslashreplace")


def _read(entry: Entry) -> bytes | None:
    """Return the beginning of the regular file at *entry*; None for anything else."""
    try:
        with regular.opened(entry.name, entry.folder) as handle:
            return os.pread(handle, _LONGEST, 0)
    except OSError:
        return None
