"""What `status` shows: of the running daemon, or, from the journal, of one that is not running.

Every key of the contract is always present; null where something is unknown.
"""

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from dropscribe import __version__
from dropscribe.config import Settings, default_path
from dropscribe.core.job import Job, State, printable
from dropscribe.host.host import Host
from dropscribe.host.states import ModelState
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from dropscribe.memory import readings

if TYPE_CHECKING:
    from dropscribe.service.app import Service

RECENT = 10
MOST_WAITING = 100  # files listed under `intake`


def running(service: "Service", now: float) -> dict[str, Any]:
    """Return the status of the running daemon."""
    table = service.inbox.intake.table
    first = islice(table.waiting(), MOST_WAITING)
    waiting = [{"name": printable(path), "waiting_for": str(what)} for path, what in first]
    return {
        "daemon": {
            "running": True, "pid": os.getpid(), "version": __version__, "started": stamp(service.started),
            "config": service.reload.path if os.path.exists(service.reload.path) else None,
            "config_error": service.reload.error,
            "restart_needed": service.reload.restart_needed, "agent": service.agent, "watch": service.inbox.watch.kind,
            "inbox_online": service.inbox.online, "engine": service.engine, "engine_reason": service.engine_reason,
        },
        "model": model(service.host, service.settings, now, queue_empty=service.idle),
        "memory": _memory(service.host.monitor.sample),
        "queue": _queue(service.journal, len(table) + service.inbox.unrecorded, _waits(service))
        | {"put_away_reason": service.archiver.waits_for},
        "current": _current(service.host, now),
        "recent": [_recent(job) for job in service.journal.recent(RECENT)],
        "intake": waiting,
    }  # fmt: skip


def _waits(service: "Service") -> str | None:
    """Return why the queue does not move on, or None."""
    fault, admission = service.backoff.current, service.host.admission
    if service.paused:
        return "paused by command"
    if fault is not None:
        return f"{fault.reason}: {fault.detail}"
    if admission.blocked_reason is None or service.journal.next_queued() is None:
        return None
    return f"{admission.blocked_as}: {admission.blocked_reason}"


def stopped(settings: Settings, config: str | None) -> dict[str, Any]:
    """Return what the journal in the state folder tells about a daemon that is not running."""
    from dropscribe.service.app import JOURNAL

    config = config or (default_path() if os.path.exists(default_path()) else None)
    path = os.path.join(settings.folders.state, JOURNAL)
    try:
        if os.path.exists(path):
            with closing(Journal.read_only(schema.open_to_look(path), path)) as journal:
                return _told(config, journal)
    except sqlite3.Error:
        pass  # damaged, or of another version: the next start sees to it
    return _told(config, None)


def _told(config: str | None, journal: Journal | None) -> dict[str, Any]:
    daemon: dict[str, Any] = dict.fromkeys(
        (
            "running",
            "pid",
            "version",
            "started",
            "config",
            "config_error",
            "restart_needed",
            "agent",
            "watch",
            "inbox_online",
            "engine",
            "engine_reason",
        )
    )
    daemon |= {"running": False, "version": __version__, "config": config}
    paused = "paused by command" if journal and journal.metadata.get("paused") else None
    return {
        "daemon": daemon,
        "model": {**_cold(), "state": str(ModelState.COLD)},
        "memory": _memory(readings.sample(None)),
        "queue": _queue(journal, None, paused),
        "current": None,
        "recent": [_recent(job) for job in journal.recent(RECENT)] if journal else [],
        "intake": [],
    }


def _cold() -> dict[str, Any]:
    keys = (
        "state",
        "name",
        "pid",
        "loaded_at",
        "load",
        "footprint_bytes",
        "mlx",
        "pages_read",
        "idle_seconds",
        "unload_in_seconds",
        "blocked_reason",
        "last_unload",
    )
    return dict.fromkeys(keys)


def model(host: Host, settings: Settings, now: float, *, queue_empty: bool) -> dict[str, Any]:
    """Return the status of the model."""
    stats, unload = host.stats, host.last_unload
    values = _cold() | {"state": str(host.state), "name": host.engine, "blocked_reason": host.admission.blocked_reason}
    if unload is not None:
        values["last_unload"] = asdict(unload) | {"at": stamp(unload.at)}
    if stats is None:
        return values
    idle = None if stats.idle_since is None else max(0.0, now - stats.idle_since)
    due = host.unload_due(queue_empty=queue_empty)
    return values | {
        "name": stats.info.get("model") or host.engine,
        "pid": stats.pid,
        "loaded_at": stamp(stats.loaded_at),
        "load": {"step": stats.step, "done_bytes": stats.done_bytes, "total_bytes": stats.total_bytes}
        if stats.step
        else None,
        "footprint_bytes": stats.footprint,
        "mlx": stats.mlx,
        "pages_read": stats.pages_read,
        "idle_seconds": None if idle is None else round(idle, 1),
        "unload_in_seconds": None if due is None else round(max(0.0, due - now), 1),
    }


def _memory(sample: readings.Sample | None) -> dict[str, Any]:
    sample = sample or readings.sample(None)
    return {"pressure": sample.pressure, "available_bytes": sample.available_bytes, "percent": sample.percent}


def _queue(journal: Journal | None, settling: int | None, paused_reason: str | None) -> dict[str, Any]:
    counts = journal.counts() if journal else dict.fromkeys(State)
    return {
        "settling": settling,
        **{str(state): counts[state] for state in State},
        "paused": paused_reason is not None,
        "paused_reason": paused_reason,
        "put_away_reason": None,
    }


def _current(host: Host, now: float) -> dict[str, Any] | None:
    active = host.active
    if active is None:
        return None
    return {"id": active.order.job, "name": active.order.name, "page": active.page, "pages": active.pages,
            "seconds": round(now - active.since, 1), "tokens": active.tokens}  # fmt: skip


def _recent(job: Job) -> dict[str, Any]:
    return {"id": job.id, "name": job.name, "state": str(job.state), "reason": job.reason, "seconds": job.seconds,
            "outputs": [os.fsdecode(output) for output in job.outputs]}  # fmt: skip


def stamp(moment: float | None) -> str | None:
    """Return a wall-clock moment as ISO 8601 in UTC."""
    return None if moment is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def folder_access(settings: Settings) -> dict[str, Any]:
    """Try the folders from inside the daemon: what the agent's own context may do."""
    tried: dict[str, str] = {}
    for name in ("inbox", "outbox", "archive", "failed"):
        try:
            os.listdir(getattr(settings.folders, name))
            tried[name] = "ok"
        except OSError as error:
            tried[name] = f"{error.strerror} ({error.errno})"
    return {"folders": tried}
