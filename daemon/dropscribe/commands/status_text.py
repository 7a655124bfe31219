"""The status as lines for people. It asks nobody and prints nothing."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from dropscribe.commands.words import ago, clock, count, fit, left, span
from dropscribe.core import status_words
from dropscribe.core.job import on_one_line
from dropscribe.core.status import (
    ActiveStatus,
    DaemonStatus,
    HookStatus,
    LeftAloneStatus,
    LoadStatus,
    ModelStatus,
    QueueStatus,
    RecentStatus,
    RecipeStatus,
    RemoteStatus,
    Status,
    UnloadStatus,
    WaitingStatus,
)
from dropscribe.formats.registry import SUFFIXES
from dropscribe.memory.policy import size
from dropscribe.memory.values import COUNTED
from dropscribe.service.status import PAUSED

MOST_WAITING = 10


def describe(status: Status, now: datetime) -> list[str]:
    """Return the status in plain lines; *now* is local time, for ages."""
    daemon, queue, memory = status.daemon, status.queue, status.memory
    lines = _daemon_lines(daemon, now)
    if daemon.config_error:
        lines.append(f"settings   rejected: {daemon.config_error}")
    if daemon.restart_needed:
        lines.append(f"settings   restart needed for: {', '.join(daemon.restart_needed)}")
    if daemon.inbox_online is False:
        lines.append("inbox      unavailable; waiting for it")
    lines += [_recipe_line(recipe) for recipe in status.recipes]
    lines += _model_lines(status.model, now)
    available = size(memory.available_bytes)
    lines.append(f"memory     pressure {memory.pressure}, {available} available, {_percent(memory.percent)} {COUNTED}")
    lines += [_server_line(server) for server in status.remote]
    lines.append(_queue_line(queue))
    if queue.archive_error:
        lines.append(f"originals  {queue.archive_error}")
    lines += _hook_lines(status.hooks)
    tokens = status_words.counts_tokens(daemon.engine)
    lines += [_active_line(job, tokens=tokens) for job in status.active]
    waiting = status.intake[:MOST_WAITING]
    lines += [f"waiting    {_named(item)} ({status_words.waiting(item.waiting_for)})" for item in waiting]
    if (more := len(status.intake) - MOST_WAITING) > 0:
        lines.append(f"waiting    and {count(more, 'more file')}")
    if queue.left_alone:
        named = ", ".join(f"{_named(item)} ({item.what})" for item in status.left_alone[:3])
        more = queue.left_alone - min(len(status.left_alone), 3)
        lines.append(f"left alone {named}" + f" and {more} more" * (more > 0))
    return lines + [_recent_line(item, now) for item in status.recent]


def _server_line(server: RemoteStatus) -> str:
    text = f"server     pages go to {server.url}"
    if server.kind:
        text += f" ({server.kind}, model {server.model})"
    if server.state == "up":
        waiting = f", answers begin after {server.waiting_seconds} s" if server.waiting_seconds is not None else ""
        text += f", {count(server.in_flight, 'page')} under way{waiting}"
    return f"{text}: {server.error}" if server.error else text


def _named(item: ActiveStatus | RecentStatus | WaitingStatus | LeftAloneStatus) -> str:
    return f"{item.name} ({item.recipe})" if item.recipe else item.name


def _recipe_line(recipe: RecipeStatus) -> str:
    what = recipe.inbox if recipe.inbox_online else f"{recipe.inbox} is unavailable; waiting for it"
    return f"recipe     {recipe.name}: {what}" + (f"; paused: {recipe.paused_reason}" if recipe.paused_reason else "")


def _hook_lines(hooks: HookStatus) -> Iterator[str]:
    if hooks.waiting:
        yield f"hooks      {count(hooks.waiting, 'file')} waiting for a command"
    for failing in hooks.failing:
        of = f" ({failing.recipe})" if failing.recipe else ""
        yield f"hooks      {failing.command} for {failing.name}{of} {status_words.ending(failing)}"


def screen(lines: Sequence[str], width: int, height: int) -> list[str]:
    """Return *lines* cut to a terminal: none wraps, none scrolls away; the oldest files are left out first."""
    shown = list(lines) if len(lines) <= height else [*lines[: height - 1], f"… {len(lines) - height + 1} more lines"]
    return [fit(line, width) for line in shown[: max(height, 1)]]


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} %"


def _daemon_lines(daemon: DaemonStatus, now: datetime) -> list[str]:
    if not daemon.running:
        return ["daemon     not running; the following is from its journal"]
    if daemon.engine is None:
        waiting = "waiting for valid settings" if daemon.config_error else "cannot begin yet"
        what = waiting if daemon.agent else "not responding"
        return [f"daemon     running (pid {daemon.pid}), {what}; the following is from its journal"]
    how = "agent, " if daemon.agent else ""
    since = f"since {clock(daemon.started, now)}"
    running = f"daemon     running ({how}pid {daemon.pid}, {since}, {daemon.watch} watching)"
    return [running, f"engine     {daemon.engine} ({daemon.engine_reason})"]


def _model_lines(model: ModelStatus, now: datetime) -> list[str]:
    text = f"model      {model.state}"
    if model.load is not None:
        text += f" ({_load(model.load)})"
    if model.unload_in_seconds is not None:  # before what a narrow terminal may cut off
        text += f", unloads in {span(model.unload_in_seconds)}"
    if model.footprint_bytes:
        text += f", {size(model.footprint_bytes)}"
    if model.pages_read:
        text += f", {count(model.pages_read, 'page')} read"
    if model.mlx:
        text += f", MLX {size(model.mlx.active)} active, {size(model.mlx.cache)} cached"
    if model.blocked_reason:
        text += f": {model.blocked_reason}"
    return [text, _unload_line(model.last_unload, now)] if model.last_unload else [text]


def _load(load: LoadStatus) -> str:
    if not load.total_bytes:
        return load.step
    done = load.done_bytes or 0
    return f"{load.step}, {100 * done // load.total_bytes} % of {size(load.total_bytes)}"


def _unload_line(last: UnloadStatus, now: datetime) -> str:
    figures = last.footprint_bytes, last.released_bytes, last.residue_bytes, last.available_gain_bytes
    before, released, residue, gain = map(size, figures)
    how = f"{clock(last.at, now)} ({last.reason}, {last.how})"
    parts = f"{released} released in the process and {residue} by its exit"
    return f"unloaded   {how}: of {before}, {parts}; {gain} more available"


def _queue_line(queue: QueueStatus) -> str:
    keys = ("settling", "queued", "running", "written", "rejected", "done", "failed", "gone")
    counted = ", ".join(f"{getattr(queue, key)} {key}" for key in keys if getattr(queue, key))
    counted = counted or ("unknown" if queue.queued is None else "empty")
    return f"queue      {counted}" + (f"; {paused(queue)}" if queue.paused else "")


def paused(queue: QueueStatus) -> str:
    """Return why a paused queue does not move on."""
    return PAUSED if queue.paused_reason == PAUSED else f"paused: {queue.paused_reason}"


def _active_line(job: ActiveStatus, *, tokens: bool) -> str:
    if not job.pages:
        return f"reading    {job.name}, {span(job.seconds)}"
    parts = [job.name, f"page {max(job.page, 1)} of {job.pages}", span(job.seconds)]
    parts += [count(job.tokens, "token")] if job.tokens and tokens else []
    parts += filter(None, [left(job.page - 1, job.pages, job.seconds)])
    return f"reading    {', '.join(parts)}"


def _recent_line(item: RecentStatus, now: datetime) -> str:
    tail = ", ".join(map(on_one_line, grouped(item.outputs))) or item.reason
    parts = [_named(item), *filter(None, [ago(item.ended, now)])]
    parts += [] if item.seconds is None else [f"in {item.seconds:.1f} s"]
    remark = f" ({item.detail})" if item.detail and item.state == "done" else ""
    return f"{item.state:10} {', '.join(parts)}" + (f" -> {tail}" if tail else "") + remark


def grouped(outputs: Sequence[str]) -> Iterator[str]:
    """Yield output files, those of one stem together: `card.{txt,md,json}`."""
    stems: dict[str, list[str]] = {}
    for output in outputs:
        suffix = next((s for s in SUFFIXES.values() if output.endswith(s)), os.path.splitext(output)[1])
        stems.setdefault(output.removesuffix(suffix), []).append(suffix)
    for stem, suffixes in stems.items():
        names = ",".join(suffix.removeprefix(".") for suffix in suffixes)
        yield stem + suffixes[0] if len(suffixes) == 1 else f"{stem}.{{{names}}}"
