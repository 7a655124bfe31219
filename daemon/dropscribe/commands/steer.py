"""`pause`, `resume`, `unload`, `retry`: requests to the running daemon."""

import argparse
import os
import sys

from dropscribe import control
from dropscribe.cli import EXIT_DONE, EXIT_FAILED, settings_of
from dropscribe.config import Settings
from dropscribe.control import NotRunning
from dropscribe.errors import DropscribeError, UsageError
from dropscribe.job import printable
from dropscribe.journal import Journal
from dropscribe.lock import StateLock
from dropscribe.service import JOURNAL, failed


def pause(given: argparse.Namespace) -> int:
    """Let the daemon read nothing."""
    control.ask(settings_of(given).folders.state, command="pause")
    print("Paused. What is dropped waits; dropscribe resume goes on.")
    return EXIT_DONE


def resume(given: argparse.Namespace) -> int:
    """Let the daemon go on."""
    control.ask(settings_of(given).folders.state, command="resume")
    print("Going on.")
    return EXIT_DONE


def unload(given: argparse.Namespace) -> int:
    """Let the model go."""
    answer = control.ask(settings_of(given).folders.state, command="unload")
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
    moved, missing = _retried(settings_of(given), given.names)
    for path in moved:
        print(f"back in the inbox: {printable(path)}")
    for name in missing:
        print(f"not in the failed folder: {printable(name)}", file=sys.stderr)
    if given.all and not moved:
        print("nothing to retry", file=sys.stderr)
    return EXIT_FAILED if missing else EXIT_DONE


def _retried(settings: Settings, names: list[str]) -> tuple[list[bytes], list[bytes]]:
    """Return where files came back to, and the names that mean no file; through the daemon where one runs."""
    folders = settings.folders
    try:
        answer = control.ask(folders.state, timeout=None, command="retry", names=names)
    except NotRunning:
        lock = StateLock(folders.state)
        journal = Journal(os.path.join(folders.state, JOURNAL))
        wanted = [os.fsencode(name) for name in names]
        paths = failed.candidates(folders.failed, folders.inbox, wanted)
        moved = failed.retry(folders.failed, folders.inbox, paths, journal)
        journal.close()
        lock.close()
        return moved, failed.unmatched(wanted, paths)
    if not answer["ok"]:
        raise DropscribeError("retry", answer["error"], answer.get("remedy", "look at: dropscribe logs"))
    return [os.fsencode(path) for path in answer["moved"]], [os.fsencode(name) for name in answer["missing"]]
