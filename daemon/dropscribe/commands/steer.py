"""`pause`, `resume`, `unload`, `retry`: requests to the running daemon."""

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from typing import TypeVar

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_to_ask
from dropscribe.config import Settings, recipes
from dropscribe.control import client
from dropscribe.control.client import NotRunning
from dropscribe.control.lock import StateLock
from dropscribe.core.errors import DropscribeError, UsageError
from dropscribe.core.job import printable
from dropscribe.core.protocol import (
    Answer,
    ControlRequest,
    PauseRequest,
    ResumeRequest,
    RetryAnswer,
    RetryRequest,
    StatusAnswer,
    StatusRequest,
    UnloadRequest,
)
from dropscribe.core.status import QueueStatus
from dropscribe.files.ledger import Ledger
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from dropscribe.service import mounts
from dropscribe.service import retry as retries
from dropscribe.service.status import JOURNAL, PAUSED


def pause(given: argparse.Namespace) -> int:
    """Pause the queue."""
    before = _queue(given)
    _ask(given, PauseRequest(), Answer)
    done = "It was paused already" if before.paused_reason == PAUSED else "Paused"
    print(f"{done}. New files are queued; continue with: dropscribe resume")
    return EXIT_DONE


def resume(given: argparse.Namespace) -> int:
    """Resume the queue; a pause that it has made by itself is not ours to end, and is told."""
    before = _queue(given)
    _ask(given, ResumeRequest(), Answer)
    done = "Resumed." if before.paused_reason == PAUSED else "Nothing was paused by command."
    queue = _queue(given)
    print(done + (f" The queue waits by itself: {queue.paused_reason}" if queue.paused else ""))
    return EXIT_DONE


def _queue(given: argparse.Namespace) -> QueueStatus:
    status = _ask(given, StatusRequest(), StatusAnswer).status
    return status.queue if status is not None else QueueStatus()


def unload(given: argparse.Namespace) -> int:
    """Unload the model."""
    status = _ask(given, UnloadRequest(), StatusAnswer).status
    state = status.model.state if status is not None else "cold"
    told = {
        "cold": "No model is loaded.",
        "blocked": "No model is loaded.",
        "busy": "Unloading after the current page.",
    }
    print(told.get(state, "Unloading."))
    if status is not None and (waiting := _waiting(status.queue)):
        print(f"{waiting} still to be read: the model is loaded again for that. To keep it out: dropscribe pause")
    return EXIT_DONE


def _waiting(queue: QueueStatus) -> str:
    """Return how many files a queue that is not paused will read next; empty for none."""
    count = 0 if queue.paused else sum((queue.settling or 0, queue.queued or 0, queue.running or 0))
    return f"{count} {'file is' if count == 1 else 'files are'}" if count else ""


def retry(given: argparse.Namespace) -> int:
    """Move failed files back into the inbox, through the daemon or, without one, directly."""
    if not given.names and not given.all:
        raise UsageError("retry", "no file was named", "name them, or use --all")
    settings, error = settings_to_ask(given)
    wanted = [os.fsencode(_below(name, settings.folders.failed)) for name in given.names]
    try:
        request = RetryRequest([os.fsdecode(name) for name in wanted])
        answer = client.ask(settings.folders.state, request, RetryAnswer, timeout=None)
    except NotRunning:
        if error is not None:
            raise error from None  # with invalid settings nothing is moved
        answer = _alone(settings, wanted)
    for path in answer.moved:
        print(f"moved to the inbox: {printable(os.fsencode(path))}")
    for name in answer.missing:
        what = f"{printable(os.fsencode(name))} is not in the failed folder"
        complain("retry", what, "dropscribe status shows the names of failed files")
    for fault in answer.faults:
        complain("retry", fault, "fix that and try again, or move the file yourself")
    _require(answer, "retry")
    if given.all and not answer.moved:
        print("nothing to retry", file=sys.stderr)
    return EXIT_FAILED if answer.missing or answer.faults else EXIT_DONE


def _alone(settings: Settings, wanted: list[bytes]) -> RetryAnswer:
    """Move failed files back without a daemon; return what the daemon would answer."""
    folders = settings.folders
    with closing(StateLock(folders.state)), closing(_journal(os.path.join(folders.state, JOURNAL))) as journal:
        ledger = Ledger(folders.state)
        ledger.sweep()  # a copy that a killed retry has left half done
        listed = {folder: retries.candidates(folder, wanted) for folder in retries.failed_folders(settings)}
        files = retries.found(settings, journal, listed, lambda inbox: _away(settings, journal, inbox))
        moved, faults = retries.retry(files, journal, ledger)
    missing = [os.fsdecode(name) for name in retries.unmatched(wanted, [file.path for file in files])]
    return RetryAnswer(moved=[os.fsdecode(path) for path in moved], missing=missing, faults=faults)


def _away(settings: Settings, journal: Journal, inbox: str) -> bool:
    """Say whether the volume of an inbox is not mounted."""
    for recipe in (recipes.base(settings), *recipes.named(settings).values()):
        if recipe.settings.folders.inbox == inbox:
            return mounts.unmounted(recipe.settings, journal.metadata, "inbox", recipe.name)()
    return False


A = TypeVar("A", bound=Answer)


def _ask(given: argparse.Namespace, request: ControlRequest, kind: type[A]) -> A:
    """Return the daemon's answer; raise a refusal as an error, and what keeps a daemon from running before that."""
    state = settings_to_ask(given)[0].folders.state
    try:
        answer = client.ask(state, request, kind)
    except NotRunning:
        schema.require_known(os.path.join(state, JOURNAL))
        raise
    _require(answer, str(given.command))
    return answer


def _require(answer: Answer, command: str) -> None:
    if not answer.ok:
        raise DropscribeError(command, answer.error or "refused", answer.remedy or "look at: dropscribe logs")


def _below(name: str, failed: str) -> str:
    """Return *name* relative to the failed folder; a whole path or `./name` may be given."""
    path = os.path.normpath(name)
    return os.path.relpath(path, failed) if path.startswith(failed + os.sep) else path


def _journal(path: str) -> Journal:
    try:
        return Journal(path)
    except (OSError, sqlite3.Error) as error:
        what = f"the journal cannot be used ({error})"
        raise DropscribeError("retry", what, "check the folder's permissions, or start the daemon once") from None
