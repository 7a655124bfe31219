"""What keeps work from going on, as `status` tells it: journal, queue, model, originals. It asks no daemon itself."""

import os
import sqlite3
from collections.abc import Iterator

from dropscribe.core.errors import REMEDIES, Reason
from dropscribe.core.status import RecipeStatus, Status
from dropscribe.doctor.values import Check, fault, ok, skipped, warning
from dropscribe.journal import schema
from dropscribe.service.status import JOURNAL, PAUSED


def journal(state: str) -> Iterator[Check]:
    """Judge the journal in the folder *state*: a newer program's, damaged, or none yet."""
    path = os.path.join(state, JOURNAL)
    if not os.path.exists(path):
        yield skipped("journal", f"there is none at {path} before the first start")
        return
    try:
        schema.open_to_look(path).close()
        yield ok("journal", path)
    except schema.TooNew as error:
        yield fault("journal", error.what, error.remedy)
    except sqlite3.Error as error:
        what = f"{path} cannot be read ({error})"
        yield warning("journal", what, "check the folder's permissions; a damaged one is set aside at the next start")


def all_of(status: Status | None) -> Iterator[Check]:
    """Judge the queue, the model and the originals of a running daemon."""
    if status is None:
        yield skipped("queue", "no daemon answers")
        return
    yield queue(status)
    if status.model.state == "blocked" and status.model.blocked_reason:
        yield warning("model state", f"not loaded: {status.model.blocked_reason}", _remedy(status.queue.paused_reason))
    for recipe in status.recipes:
        if (not recipe.inbox_online or recipe.paused_reason) and not _told_as_folder(recipe):
            what = recipe.paused_reason or f"its inbox {recipe.inbox} is not there"
            yield warning(f"recipe {recipe.name}", what, _remedy(recipe.paused_reason or Reason.INBOX_OFFLINE))
    if status.queue.archive_error:
        yield warning(
            "originals", status.queue.archive_error, "make that folder writable; they are moved by themselves"
        )


def _told_as_folder(recipe: RecipeStatus) -> bool:
    """Say whether all that is wrong with a recipe is a missing inbox, which is a fault among the folders."""
    reason = (recipe.paused_reason or Reason.INBOX_OFFLINE).partition(":")[0]
    return reason == Reason.INBOX_OFFLINE and not os.path.lexists(recipe.inbox)


def queue(status: Status) -> Check:
    """Judge whether the queue moves on; a pause by command is only a warning."""
    waiting = (status.queue.queued or 0) + (status.queue.running or 0)
    text = f"{waiting} {'file' if waiting == 1 else 'files'} waiting"
    if not status.queue.paused:
        return ok("queue", text)
    if status.queue.paused_reason == PAUSED:
        return warning("queue", f"{text}; {PAUSED}", "dropscribe resume")
    return fault("queue", f"{text}; paused: {status.queue.paused_reason}", _remedy(status.queue.paused_reason))


def _remedy(paused_reason: str | None) -> str:
    """Return what helps against a pause, which begins with its reason."""
    name = (paused_reason or "").partition(":")[0]
    return REMEDIES[Reason(name)] if name in set(Reason) else "dropscribe status and dropscribe logs say more"
