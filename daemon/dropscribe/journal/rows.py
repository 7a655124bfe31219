"""Jobs as rows of the journal, and back."""

import json
import os
from collections.abc import Sequence
from typing import Any

from dropscribe.core.errors import Reason
from dropscribe.core.job import Job, PutAway, Signature, State

_NAMES = (
    "id", "path", "size", "mtime_ns", "inode", "device", "since", "state", "claim", "attempts", "deaths",
    "interruptions", "pressure_stops", "rank", "stem", "outputs", "destination", "reason", "detail", "seconds",
    "suspect", "review", "finished", "recipe", "inbox", "priority",
)  # fmt: skip
COLUMNS = ", ".join(_NAMES)


def columns(signature: Signature) -> tuple[int, int, int, int]:
    """Return size, mtime_ns, inode and device, as the table has them."""
    return signature.size, signature.mtime_ns, signature.inode, signature.device


def put_away_row(original: PutAway) -> tuple[object, ...]:
    """Return a row of the table `put_away`."""
    where = original.job, original.path, original.place
    return (*where, *columns(original.signature), original.until, int(original.delete))


def put_away(row: tuple[Any, ...]) -> PutAway:
    """Return the original of a row of the table `put_away`."""
    job, path, place, *signature, until, delete = row
    return PutAway(job, path, place, Signature(*signature), until, bool(delete))


def text(detail: str) -> str:
    """Return *detail* without what the database cannot hold (undecodable names)."""
    return detail.encode("utf-8", "backslashreplace").decode()


def pack(paths: Sequence[bytes]) -> str:
    """Return names of output files as the table has them; `job` unpacks them."""
    return json.dumps([os.fsdecode(path) for path in paths])


def job(row: tuple[object, ...]) -> Job:
    """Return the job of a row of `COLUMNS`."""
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    values["signature"] = Signature(*(values.pop(name) for name in ("size", "mtime_ns", "inode", "device")))
    values["state"] = State(values["state"])
    values["outputs"] = tuple(os.fsencode(path) for path in json.loads(values["outputs"] or "[]"))
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    values["suspect"], values["review"] = bool(values["suspect"]), bool(values["review"])
    return Job(**values)
