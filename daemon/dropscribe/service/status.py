"""What `status` shows: of the running daemon, or, from the journal, of one that is not running."""

import os
import sqlite3
from contextlib import closing
from dataclasses import asdict
from datetime import datetime

from dropscribe.config import Folders, Settings, default_path
from dropscribe.core.job import Job, State, printable
from dropscribe.core.status import (
    ActiveStatus,
    DaemonStatus,
    LoadStatus,
    MemoryStatus,
    ModelStatus,
    QueueStatus,
    RecentStatus,
    Status,
    UnloadStatus,
)
from dropscribe.host.host import Host
from dropscribe.host.servers import named
from dropscribe.host.values import ActiveJob, WorkerStats
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from dropscribe.journal.schema import TooNew
from dropscribe.memory import readings
from dropscribe.memory.values import Sample

JOURNAL = "journal.db"
RECENT = 10
PAUSED = "paused by command"


def stopped(settings: Settings, config: str | None) -> Status:
    """Return what the journal in the state folder tells about a daemon that is not running."""
    config = config or (default_path() if os.path.exists(default_path()) else None)
    remote = named(settings, settings.engine.name)
    status = Status(daemon=DaemonStatus(config=config), memory=memory(None), remote=remote)
    path = os.path.join(settings.folders.state, JOURNAL)
    try:
        if os.path.exists(path):
            with closing(Journal.read_only(schema.open_to_look(path), path)) as journal:
                paused = PAUSED if journal.metadata.get("paused") else None
                status.queue, status.recent = queue(journal, paused), recent(journal)
    except TooNew as error:
        status.queue = QueueStatus(paused=True, paused_reason=f"{error}; {error.remedy}")
    except sqlite3.Error:
        pass  # damaged: the next start sees to it
    return status


def model(host: Host, now: float, *, queue_empty: bool) -> ModelStatus:
    """Return the status of the model."""
    status = ModelStatus(state=str(host.state), name=host.engine, blocked_reason=host.admission.blocked_reason)
    if host.last_unload is not None:
        status.last_unload = UnloadStatus(**asdict(host.last_unload) | {"at": stamp(host.last_unload.at)})
    if host.stats is not None:
        _describe(status, host.stats, now)
        due = host.unload_due(queue_empty=queue_empty)
        status.unload_in_seconds = None if due is None else round(max(0.0, due - now), 1)
    return status


def _describe(status: ModelStatus, stats: WorkerStats, now: float) -> None:
    """Add what is known of a worker."""
    status.name = stats.engine_model or status.name
    status.pid, status.loaded_at = stats.pid, stamp(stats.loaded_at)
    if (load := stats.loading) is not None:
        status.load = LoadStatus(step=load.step, done_bytes=load.done_bytes, total_bytes=load.total_bytes)
    status.footprint_bytes, status.mlx, status.pages_read = stats.footprint, stats.mlx, stats.pages_read
    status.idle_seconds = None if stats.idle_since is None else round(max(0.0, now - stats.idle_since), 1)


def memory(sample: Sample | None) -> MemoryStatus:
    """Return the status of the machine's memory; without a *sample* one is taken, and what cannot be read is null."""
    try:
        sample = sample or readings.sample(None)
    except readings.Unreadable:
        return MemoryStatus()
    return MemoryStatus(pressure=sample.pressure, available_bytes=sample.available_bytes, percent=sample.percent)


def queue(journal: Journal, paused_reason: str | None, settling: int | None = None) -> QueueStatus:
    """Return how many files stand where."""
    counts = {str(state): count for state, count in journal.counts().items()}
    paused = paused_reason is not None
    return QueueStatus(settling=settling, **counts, paused=paused, paused_reason=paused_reason)  # type: ignore[arg-type]  # a count each


def active(job: ActiveJob, now: float) -> ActiveStatus:
    """Return the status of a file that is being read."""
    return ActiveStatus(
        id=job.order.job, name=job.order.name, recipe=job.order.recipe or None,
        page=job.page or job.done, pages=job.pages, seconds=round(now - job.since, 1), tokens=job.tokens,
    )  # fmt: skip


def recent(journal: Journal) -> list[RecentStatus]:
    """Return the files that were over last, newest first."""
    names = journal.recipes.names()
    return [_recent(job, names.get(job.recipe)) for job in journal.recent(RECENT)]


def _recent(job: Job, recipe: str | None) -> RecentStatus:
    original = os.fsdecode(job.destination) if job.destination and job.state in (State.DONE, State.FAILED) else None
    return RecentStatus(
        id=job.id, name=job.name, recipe=recipe, state=str(job.state), reason=job.reason, detail=job.detail,
        seconds=job.seconds, original=original, review=job.review, ended=stamp(job.finished),
        outputs=[os.fsdecode(output) for output in job.outputs],
    )  # fmt: skip


def shown(name: str) -> str:
    """Return a name from the file system as it may be shown."""
    return printable(os.fsencode(name))


def stamp(moment: float | None) -> str | None:
    """Return a wall-clock moment as ISO 8601 with the local offset."""
    return None if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds")


def folder_access(folders: Folders) -> dict[str, str]:
    """Try the folders from inside the daemon: what the agent's own context may do."""
    tried: dict[str, str] = {}
    for name in ("inbox", "outbox", "archive", "failed"):
        try:
            os.listdir(getattr(folders, name))
            tried[name] = "ok"
        except OSError as error:
            tried[name] = f"{error.strerror} ({error.errno})"
    return tried
