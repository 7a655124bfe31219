"""`pause`, `resume`, `unload`, `retry`: requests to the running daemon."""

import argparse
import os
import sqlite3
import sys
from typing import Any

from dropscribe import control
from dropscribe.config import Settings
from dropscribe.control import NotRunning
from dropscribe.errors import DropscribeError, UsageError
from dropscribe.job import printable
from dropscribe.journal import Journal
from dropscribe.journal.schema import TooNew
from dropscribe.lock import StateLock
from dropscribe.service import JOURNAL, failed
from dropscribe.shell import EXIT_DONE, EXIT_FAILED, complain, settings_to_ask


def pause(given: argparse.Namespace) -> int:
    """Let the daemon read nothing."""
    _ask(settings_to_ask(given)[0], "pause")
    print("Paused. What is dropped waits; dropscribe resume goes on.")
    return EXIT_DONE


def resume(given: argparse.Namespace) -> int:
    """Let the daemon go on."""
    _ask(settings_to_ask(given)[0], "resume")
    print("Going on.")
    return EXIT_DONE


def unload(given: argparse.Namespace) -> int:
    """Let the model go."""
    answer = _ask(settings_to_ask(given)[0], "unload")
    state = answer["status"]["model"]["state"]
    print(
        "No model is loaded."
        if state in ("cold", "blocked")
        else "Unloading: after the page in hand."
        if state == "busy"
        else "Unloading."
    )
    return EXIT_DONE


def retry(given: argparse.Namespace) -> int:
    """Move failed files back into the inbox, through the daemon or, without one, directly."""
    if not given.names and not given.all:
        raise UsageError("retry", "which files? (got none)", "name them, or use --all")
    moved, missing = _retried(settings_to_ask(given)[0], given.names)
    for path in moved:
        print(f"back in the inbox: {printable(path)}")
    for name in missing:
        complain(
            "retry", f"{printable(name)} is not in the failed folder", "look there for its name: dropscribe status"
        )
    if given.all and not moved:
        print("nothing to retry", file=sys.stderr)
    return EXIT_FAILED if missing else EXIT_DONE


def _retried(settings: Settings, names: list[str]) -> tuple[list[bytes], list[bytes]]:
    """Return where files came back to, and the names that mean no file; through the daemon where one runs."""
    folders = settings.folders
    wanted = [os.fsencode(_below(name, folders.failed)) for name in names]
    try:
        answer = _ask(settings, "retry", timeout=None, names=[os.fsdecode(name) for name in wanted])
    except NotRunning:
        lock = StateLock(folders.state)
        journal = _journal(os.path.join(folders.state, JOURNAL))
        paths = failed.candidates(folders.failed, folders.inbox, wanted)
        moved = failed.retry(folders.failed, folders.inbox, paths, journal)
        journal.close()
        lock.close()
        return moved, failed.unmatched(wanted, paths)
    return [os.fsencode(path) for path in answer["moved"]], [os.fsencode(name) for name in answer["missing"]]


def _ask(settings: Settings, command: str, timeout: float | None = 10.0, **values: object) -> dict[str, Any]:
    """Return the daemon's answer; raise what it refuses as an error."""
    answer = control.ask(settings.folders.state, timeout, command=command, **values)
    if not answer["ok"]:
        raise DropscribeError(command, answer["error"], answer.get("remedy", "look at: dropscribe logs"))
    return answer


def _below(name: str, failed: str) -> str:
    """Return *name* as it is called below the failed folder: people also give the whole path, or `./name`."""
    path = os.path.normpath(name)
    return os.path.relpath(path, failed) if path.startswith(failed + os.sep) else path


def _journal(path: str) -> Journal:
    try:
        return Journal(path)
    except (OSError, sqlite3.Error, TooNew) as error:
        remedy = "install the newer Dropscribe again, or look at the folder"
        raise DropscribeError("retry", f"the journal cannot be used ({error})", remedy) from None
