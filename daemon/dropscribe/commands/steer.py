"""`pause`, `resume`, `unload`, `retry`: requests to the running daemon."""

import argparse
import os
import sys

from dropscribe import control
from dropscribe.cli import EXIT_DONE, EXIT_FAILED, settings_of
from dropscribe.control import NotRunning
from dropscribe.errors import DropscribeError, UsageError
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
    settings = settings_of(given)
    names = [os.fsencode(name) for name in given.names]
    try:
        answer = control.ask(settings.folders.state, timeout=None, command="retry", names=given.names)
        if not answer["ok"]:
            raise DropscribeError("retry", answer["error"], answer.get("remedy", "look at: dropscribe logs"))
        moved = [os.fsencode(name) for name in answer["moved"]]
    except NotRunning:
        lock = StateLock(settings.folders.state)
        journal = Journal(os.path.join(settings.folders.state, JOURNAL))
        moved = failed.retry(settings.folders.failed, settings.folders.inbox, names, journal)
        journal.close()
        lock.close()
    for path in moved:
        print(f"back in the inbox: {os.fsdecode(path)}")
    if not moved:
        print("nothing to retry" if given.all else "no such file in the failed folder", file=sys.stderr)
    return EXIT_DONE if moved or given.all else EXIT_FAILED
