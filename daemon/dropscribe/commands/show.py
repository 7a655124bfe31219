"""`status`, `check`, `logs`: looking, without changing anything."""

import argparse
import json
import os
import sys
import time
from typing import Any

import yaml

from dropscribe import config, log
from dropscribe.agent import supervisor
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, settings_of, settings_to_ask
from dropscribe.config import Settings
from dropscribe.control import client, lock
from dropscribe.control.client import NotRunning
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.core.job import on_one_line
from dropscribe.engines import registry
from dropscribe.memory.values import COUNTED
from dropscribe.service import status as statuses

REDRAW = 0.5  # seconds
ANSWER = 0.8  # seconds for the daemon's answer: the whole command is to take no more than one


def status(given: argparse.Namespace) -> int:
    """Show what the daemon is doing; from the journal when it does not run."""
    settings, error = settings_to_ask(given)
    if given.watch:
        return _watch(given, settings, error)
    values = current(settings, given.config, error)
    if given.json:
        print(json.dumps(values, indent=2))
        return EXIT_DONE
    print(describe(values))
    if agent := supervisor.inspect():
        print(f"agent      {agent}")
    return EXIT_DONE


def _watch(given: argparse.Namespace, settings: Settings, error: ConfigError | None) -> int:
    """Show the status again and again; Ctrl-C is the way to end it."""
    clear = "\x1b[2J\x1b[H" if sys.stdout.isatty() and not given.json else ""
    try:
        while True:
            values = current(settings, given.config, error)
            print(clear + (json.dumps(values) if given.json else describe(values)), flush=True)
            time.sleep(REDRAW)
    except KeyboardInterrupt:
        return EXIT_DONE


def current(settings: Settings, path: str | None, error: ConfigError | None = None) -> dict[str, Any]:
    """Return the status as the daemon tells it, or as the journal does; *error* is what is wrong with the file."""
    try:
        answer = client.ask(settings.folders.state, timeout=ANSWER, command="status")
    except NotRunning:
        values = statuses.stopped(settings, path)
        pid = lock.holder(settings.folders.state)
        values["daemon"] |= {"running": pid is not None, "pid": pid, "config_error": error and error.summary}
        return values
    told: dict[str, Any] = answer["status"]
    return told


def size(count: int | None) -> str:
    """Return a number of bytes for people."""
    if count is None:
        return "unknown"
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def describe(values: dict[str, Any]) -> str:
    """Return the status in plain lines."""
    daemon, queue = values["daemon"], values["queue"]
    lines = [_daemon_line(daemon)]
    if daemon["config_error"]:
        lines.append(f"settings   not taken over: {daemon['config_error']}")
    if daemon["restart_needed"]:
        lines.append(f"settings   restart to take over: {', '.join(daemon['restart_needed'])}")
    if daemon["inbox_online"] is False:
        lines.append("inbox      is not there; waiting for it")
    lines += _model_lines(values["model"])
    memory = values["memory"]
    available = size(memory["available_bytes"])
    lines.append(f"memory     pressure {memory['pressure']}, {available} available, {memory['percent']} % {COUNTED}")
    counted = [
        f"{queue[key]} {key}"
        for key in ("settling", "queued", "running", "written", "rejected", "done", "failed", "gone")
        if queue[key]
    ]
    lines.append(
        "queue      "
        + (", ".join(counted) or "empty")
        + (f"; waits: {queue['paused_reason']}" if queue["paused"] else "")
    )
    if queue["put_away_reason"]:
        lines.append(f"originals  {queue['put_away_reason']}")
    if values["current"]:
        job = values["current"]
        where = f"page {job['page']} of {job['pages']}"
        lines.append(f"reading    {job['name']}, {where}, {job['seconds']} s, {job['tokens']} tokens")
    lines += [f"waiting    {item['name']} (for {item['waiting_for']})" for item in values["intake"][:10]]
    lines += [_recent_line(item) for item in values["recent"]]
    return "\n".join(lines)


def _daemon_line(daemon: dict[str, Any]) -> str:
    if not daemon["running"]:
        return "daemon     not running; this is what its journal says"
    if daemon["engine"] is None:
        what = "waits for its settings to be mended" if daemon["agent"] else "does not answer now"
        return f"daemon     running (pid {daemon['pid']}) and {what}; the rest is what its journal says"
    how = "agent, " if daemon["agent"] else ""
    engine = f"engine {daemon['engine']}: {daemon['engine_reason']}"
    since = f"since {daemon['started']}"
    return f"daemon     running ({how}pid {daemon['pid']}, {since}, {daemon['watch']} watching, {engine})"


def _model_lines(model: dict[str, Any]) -> list[str]:
    text = f"model      {model['state']}"
    if model["load"]:
        load = model["load"]
        text += (
            f" ({load['step']}"
            + (f", {size(load['done_bytes'])} of {size(load['total_bytes'])}" if load["total_bytes"] else "")
            + ")"
        )
    if model["footprint_bytes"]:
        text += f", {size(model['footprint_bytes'])}, {model['pages_read']} pages read"
    if model["mlx"]:
        text += f", MLX {size(model['mlx']['active'])} active, {size(model['mlx']['cache'])} cached"
    if model["unload_in_seconds"] is not None:
        text += f", unloads in {model['unload_in_seconds']:.0f} s"
    if model["blocked_reason"]:
        text += f": {model['blocked_reason']}"
    lines = [text]
    if last := model["last_unload"]:
        before, released, residue, gain = (
            size(last[key]) for key in ("footprint_bytes", "released_bytes", "residue_bytes", "available_gain_bytes")
        )
        lines.append(
            f"unloaded   {last['at']} ({last['reason']}, {last['how']}): {before} before, {released} released in the "
            f"process, {residue} by its end; the machine has {gain} more"
        )
    return lines


def _recent_line(item: dict[str, Any]) -> str:
    tail = ", ".join(map(on_one_line, item["outputs"])) if item["outputs"] else item["reason"] or ""
    seconds = f" in {item['seconds']:.1f} s" if item["seconds"] is not None else ""
    return f"{item['state']:10} {item['name']}{seconds}" + (f" -> {tail}" if tail else "")


def check(given: argparse.Namespace) -> int:
    """Check the settings and print what is in force."""
    settings = settings_of(given)
    path = given.config or config.default_path()
    source = path if os.path.exists(path) else f"the built-in settings (there is no {path})"
    name, why = registry.choose(settings.engine.name)
    print(f"# {source}\n# engine: {name} ({why})")
    print(yaml.safe_dump(config.plain(settings), sort_keys=False, allow_unicode=True), end="")
    return EXIT_DONE


def logs(given: argparse.Namespace) -> int:
    """Print the log; with --follow go on as it grows, across rotation."""
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
