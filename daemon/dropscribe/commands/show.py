"""`status`, `check`, `logs`: they show, and change nothing."""

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

import msgspec
import yaml

from dropscribe import config, log
from dropscribe.agent import supervisor
from dropscribe.commands.common import EXIT_DONE, complain, settings_of, settings_to_ask
from dropscribe.commands.status_text import describe, screen
from dropscribe.config import Settings
from dropscribe.control import client, lock
from dropscribe.control.client import NotRunning
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.core.protocol import StatusAnswer, StatusRequest
from dropscribe.core.status import Status
from dropscribe.engines import registry
from dropscribe.journal import schema
from dropscribe.service import status as statuses

REDRAW = 0.5  # seconds
# Control sequences of ECMA-48 and xterm.
HOME, ERASE_LINE, ERASE_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l\x1b[2J", "\x1b[?25h\n"
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
    print("\n".join(describe(values, datetime.now().astimezone())))
    if agent := supervisor.inspect():
        print(f"agent      {agent}")
    return EXIT_DONE


def _watch(given: argparse.Namespace, settings: Settings, error: ConfigError | None) -> int:
    """Show the status repeatedly until Ctrl-C; a terminal is drawn over, and nothing wraps or scrolls there."""
    drawn = sys.stdout.isatty() and not given.json
    try:
        print(HIDE_CURSOR if drawn else "", end="")
        while True:
            values = current(settings, given.config, error)
            if given.json:
                print(json.dumps(msgspec.to_builtins(values)), flush=True)
            elif drawn:
                _draw(describe(values, datetime.now().astimezone()))
            else:
                print("\n".join(describe(values, datetime.now().astimezone())), flush=True)
            time.sleep(REDRAW)
    except KeyboardInterrupt:
        return EXIT_DONE
    finally:
        print(SHOW_CURSOR if drawn else "", end="", flush=True)


def _draw(lines: Sequence[str]) -> None:
    """Draw *lines* over what the terminal shows, in the size that it has now."""
    width, height = os.get_terminal_size(sys.stdout.fileno())
    shown = screen(lines, width or 80, height or 24)
    print(HOME + "\n".join(line + ERASE_LINE for line in shown) + ERASE_BELOW, end="", flush=True)


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


def _settings_lines(values: dict[str, Any], defaults: dict[str, Any] | None, indent: str) -> Iterator[str]:
    """Yield settings as lines of YAML, with the default behind each that differs from it; without *defaults* none."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            known = None if defaults is None or key == "recipes" else defaults.get(key) or {}
            yield from _settings_lines(value, known, indent + "  ")
        else:
            differs = defaults is not None and value != defaults.get(key)
            mark = f"  # default: {_on_a_line(defaults.get(key))}" if defaults is not None and differs else ""
            yield f"{indent}{_on_a_line(key)}: {_on_a_line(value)}{mark}"


def _on_a_line(value: Any) -> str:
    """Return a value as YAML on one line: a text with line breaks as JSON, which is YAML too."""
    if isinstance(value, str) and len(value.splitlines()) > 1:
        return json.dumps(value)
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return str(dumped).removesuffix("...\n").strip()


def logs(given: argparse.Namespace) -> int:
    """Print the log, or its last lines; with --follow keep printing as it grows, across rotation."""
    settings = settings_to_ask(given)[0]
    path = log.path(settings.log.folder)
    _warn_of_former_log(settings)
    if not os.path.exists(path):
        runs = lock.holder(settings.folders.state) is not None
        what = "; the daemon reopens it with its next line" if runs else ""
        raise DropscribeError("logs", f"there is no log at {path}{what}", "start the daemon: dropscribe run")
    lines = given.lines
    while True:
        with open(path, encoding="utf-8", errors="replace") as file:
            sys.stdout.writelines(file if lines is None else deque(file, lines))
            if not given.follow:
                return EXIT_DONE
            _follow(file, path)
        lines = None  # all of the file that has come in its place


def _follow(file: TextIO, path: str) -> None:
    """Print what is added to *file*, until another file has its place."""
    while True:
        sys.stdout.write(file.read())
        sys.stdout.flush()
        try:
            if not os.path.samestat(os.stat(path), os.fstat(file.fileno())):
                sys.stdout.write(file.read())  # written between the two
                return
        except FileNotFoundError:
            pass  # moved away, and nothing new is there yet
        time.sleep(REDRAW)


def _warn_of_former_log(settings: Settings) -> None:
    """Say that a running daemon still writes where its settings were when it started."""
    told = current(settings, None).daemon.restart_needed or []
    if "log.folder" in told:
        complain("logs", "the running daemon still writes into its former log.folder", "restart it: dropscribe install")
