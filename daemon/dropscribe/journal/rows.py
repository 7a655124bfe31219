"""Jobs as rows of the journal, and back."""

import json
import os
from collections.abc import Sequence

from dropscribe.core.errors import Reason
from dropscribe.core.job import Job, Signature, State

COLUMNS = (
    "id, path, size, mtime_ns, inode, device, since, state, claim, attempts, deaths, interruptions, "
    "pressure_stops, rank, stem, outputs, destination, reason, detail, seconds, suspect, review, finished"
)


def columns(signature: Signature) -> tuple[int, int, int, int]:
    """Return size, mtime_ns, inode and device, as the table has them."""
    return signature.size, signature.mtime_ns, signature.inode, signature.device


def text(detail: str) -> str:
    """Return *detail* without what the database cannot hold (undecodable names)."""
    return detail.encode("utf-8", "backslashreplace").decode()


def pack(paths: Sequence[bytes]) -> str:
    """Return names of output files as the table has them; `job` unpacks them."""
    return json.dumps([os.fsdecode(path) for path in paths])


def job(row: tuple[object, ...]) -> Job:
    """Return the job of a row of `COLUMNS`."""
    (number, path, size, mtime_ns, inode, device, since, state, claim, attempts, deaths, interruptions, pressure, rank,
     stem, outputs, destination, reason, detail, seconds, suspect, review, finished) = row  # fmt: skip
    return Job(
        number, path, Signature(size, mtime_ns, inode, device), since, State(state), claim, attempts, deaths,  # type: ignore[arg-type]  # typed by the schema (STRICT)
        interruptions, pressure, rank, stem, tuple(os.fsencode(o) for o in json.loads(outputs)) if outputs else (),  # type: ignore[arg-type]
        destination, Reason(reason) if reason else None, detail, seconds, bool(suspect), bool(review), finished,  # type: ignore[arg-type]
    )  # fmt: skip
