"""`status`, `check`, `logs`: they show, and change nothing."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from dropscribe import config, log
from dropscribe.agent import supervisor
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of, settings_to_ask
from dropscribe.config import Settings
from dropscribe.control import client, lock
from dropscribe.control.client import NotRunning
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.core.job import on_one_line
from dropscribe.core.protocol import StatusAnswer, StatusRequest
from dropscribe.core.status import (
    ActiveStatus,
    DaemonStatus,
    ModelStatus,
    QueueStatus,
    RecentStatus,
    RemoteStatus,
    Status,
    UnloadStatus,
)
from dropscribe.engines import registry
from dropscribe.journal import schema
from dropscribe.memory.policy import size
from dropscribe.memory.values import COUNTED
from dropscribe.service import status as statuses

REDRAW = 0.5  # seconds
ANSWER = 0.8  # seconds for the daemon's answer: the whole command may take one


def status(given: argparse.Namespace) -> int:
    """Show what the daemon is doing; from the journal when it is not running."""
    settings, error = settings_to_ask(given)
    if given.watch:
        return _watch(given, settings, error)
    values = current(settings, given.config, error)
    if given.json:
        print(json.dumps(msgspec.to_builtins(values), indent=2))
        return EXIT_DONE
    print(describe(values))
    if agent := supervisor.inspect():
        print(f"agent      {agent}")
    return EXIT_DONE


def _watch(given: argparse.Namespace, settings: Settings, error: ConfigError | None) -> int:
    """Show the status repeatedly until Ctrl-C."""
    clear = "\x1b[2J\x1b[H" if sys.stdout.isatty() and not given.json else ""
    try:
        while True:
            values = current(settings, given.config, error)
            print(clear + (json.dumps(msgspec.to_builtins(values)) if given.json else describe(values)), flush=True)
            time.sleep(REDRAW)
    except KeyboardInterrupt:
        return EXIT_DONE


def current(settings: Settings, path: str | None, error: ConfigError | None = None) -> Status:
    """Return the daemon's status, or what the journal says; *error* is what is wrong with the settings file."""
    try:
        told = client.ask(settings.folders.state, StatusRequest(), StatusAnswer, timeout=ANSWER).status
    except NotRunning:
        told = None
    if told is None:
        told = statuses.stopped(settings, path)
        pid = lock.holder(settings.folders.state)
        told.daemon.running, told.daemon.pid = pid is not None, pid
        told.daemon.config_error = error.summary if error is not None else None
    return told


def describe(status: Status) -> str:
    """Return the status in plain lines."""
    daemon, queue, memory = status.daemon, status.queue, status.memory
    lines = [_daemon_line(daemon)]
    if daemon.config_error:
        lines.append(f"settings   rejected: {daemon.config_error}")
    if daemon.restart_needed:
        lines.append(f"settings   restart needed for: {', '.join(daemon.restart_needed)}")
    if daemon.inbox_online is False:
        lines.append("inbox      unavailable; waiting for it")
    lines += _model_lines(status.model)
    available = size(memory.available_bytes)
    lines.append(f"memory     pressure {memory.pressure}, {available} available, {memory.percent} % {COUNTED}")
    lines += [_server_line(server) for server in status.remote]
    lines.append(_queue_line(queue))
    if queue.archive_error:
        lines.append(f"originals  {queue.archive_error}")
    lines += [_active_line(job) for job in status.active]
    lines += [f"waiting    {item.name} (for {item.waiting_for})" for item in status.intake[:10]]
    lines += [_recent_line(item) for item in status.recent]
    return "\n".join(lines)


def _server_line(server: RemoteStatus) -> str:
    text = f"server     pages go to {server.url}"
    if server.kind:
        text += f" ({server.kind}, model {server.model})"
    if server.state == "up":
        waiting = f", answers begin after {server.waiting_seconds} s" if server.waiting_seconds is not None else ""
        text += f", {server.in_flight} pages under way{waiting}"
    return f"{text}: {server.error}" if server.error else text


def _queue_line(queue: QueueStatus) -> str:
    keys = ("settling", "queued", "running", "written", "rejected", "done", "failed", "gone")
    counted = ", ".join(f"{getattr(queue, key)} {key}" for key in keys if getattr(queue, key))
    counted = counted or ("unknown" if queue.queued is None else "empty")
    return f"queue      {counted}" + (f"; paused: {queue.paused_reason}" if queue.paused else "")


def _active_line(job: ActiveStatus) -> str:
    tokens = f", {job.tokens} tokens" if job.tokens else ""
    return f"reading    {job.name}, page {job.page} of {job.pages}, {job.seconds} s{tokens}"


def _daemon_line(daemon: DaemonStatus) -> str:
    if not daemon.running:
        return "daemon     not running; the following is from its journal"
    if daemon.engine is None:
        what = "waiting for valid settings" if daemon.agent else "not responding"
        return f"daemon     running (pid {daemon.pid}), {what}; the following is from its journal"
    how = "agent, " if daemon.agent else ""
    engine = f"engine {daemon.engine}: {daemon.engine_reason}"
    return f"daemon     running ({how}pid {daemon.pid}, since {daemon.started}, {daemon.watch} watching, {engine})"


def _model_lines(model: ModelStatus) -> list[str]:
    text = f"model      {model.state}"
    if (load := model.load) is not None:
        done = f", {size(load.done_bytes)} of {size(load.total_bytes)}" if load.total_bytes else ""
        text += f" ({load.step}{done})"
    if model.footprint_bytes:
        text += f", {size(model.footprint_bytes)}, {model.pages_read} pages read"
    if model.mlx:
        text += f", MLX {size(model.mlx.active)} active, {size(model.mlx.cache)} cached"
    if model.unload_in_seconds is not None:
        text += f", unloads in {model.unload_in_seconds:.0f} s"
    if model.blocked_reason:
        text += f": {model.blocked_reason}"
    return [text, _unload_line(model.last_unload)] if model.last_unload else [text]


def _unload_line(last: UnloadStatus) -> str:
    figures = last.footprint_bytes, last.released_bytes, last.residue_bytes, last.available_gain_bytes
    before, released, residue, gain = map(size, figures)
    return (
        f"unloaded   {last.at} ({last.reason}, {last.how}): of {before}, {released} released in the process "
        f"and {residue} by its exit; {gain} more available"
    )


def _recent_line(item: RecentStatus) -> str:
    tail = ", ".join(map(on_one_line, item.outputs)) or item.reason
    seconds = f" in {item.seconds:.1f} s" if item.seconds is not None else ""
    remark = f" ({item.detail})" if item.detail and item.state == "done" else ""
    return f"{item.state:10} {item.name}{seconds}" + (f" -> {tail}" if tail else "") + remark


def check(given: argparse.Namespace) -> int:
    """Check the settings and print the effective ones, those marked that are not the default."""
    settings = settings_of(given)
    path = given.config or config.default_path()
    source = path if os.path.exists(path) else f"the built-in settings (there is no {path})"
    name, why = registry.choose(settings.engine.name)
    print(f"# {source}\n# engine: {name} ({why})")
    print(*_settings_lines(config.written(settings), config.written(Settings()), ""), sep="\n")
    try:
        schema.require_known(os.path.join(settings.folders.state, statuses.JOURNAL))
    except DropscribeError as error:
        complain(error.where, error.what, error.remedy)  # the settings are valid all the same
    return EXIT_DONE


def _settings_lines(values: dict[str, Any], defaults: dict[str, Any], indent: str) -> Iterator[str]:
    """Yield settings as lines of YAML, with the default behind each that differs from it."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _settings_lines(value, defaults.get(key) or {}, indent + "  ")
        else:
            mark = "" if value == defaults.get(key) else f"  # default: {_on_a_line(defaults.get(key))}"
            yield f"{indent}{key}: {_on_a_line(value)}{mark}"


def _on_a_line(value: Any) -> str:
    """Return a value as YAML on one line: a text with line breaks as JSON, which is YAML too."""
    if isinstance(value, str) and len(value.splitlines()) > 1:
        return json.dumps(value)
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return str(dumped).removesuffix("...\n").strip()


def logs(given: argparse.Namespace) -> int:
    """Print the log; with --follow keep printing as it grows, across rotation."""
    path = log.path(settings_to_ask(given)[0].log.folder)
    if not os.path.exists(path):
        raise DropscribeError("logs", f"there is no log at {path}", "start the daemon: dropscribe run")
    with open(path, encoding="utf-8", errors="replace") as file:
        sys.stdout.write(file.read())
        if not given.follow:
            return EXIT_DONE
        while True:
            text = file.read()
            if text:
                sys.stdout.write(text)
                sys.stdout.flush()
            elif os.path.exists(path) and os.stat(path).st_ino != os.fstat(file.fileno()).st_ino:
                return logs(given)
            else:
                time.sleep(REDRAW)
    return EXIT_FAILED
