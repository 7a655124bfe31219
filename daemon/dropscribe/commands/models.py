"""`dropscribe models`: list the models on this machine, download one, remove one."""

import argparse
import sys

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of
from dropscribe.core.errors import REMEDIES, DropscribeError, ReasonedError
from dropscribe.engines import hub
from dropscribe.engines.base import LoadProgress
from dropscribe.memory.policy import size


def models(given: argparse.Namespace) -> int:
    """List, pull or remove; the name defaults to the model of the settings."""
    settings = settings_of(given)
    name = given.name or settings.engine.model
    try:
        if given.action == "pull":
            folder = hub.pull(name, settings.engine.revision if name == settings.engine.model else None, _show)
            print(f"{name} is in {folder}")
        elif given.action == "remove":
            freed = hub.remove(name)
            if not freed:
                raise DropscribeError(
                    "models", f"{name} is not on this machine", "dropscribe models lists those that are"
                )
            print(f"removed {name}, {size(freed)} freed")
        else:
            _list(settings.engine.model)
    except ReasonedError as error:
        complain("models", error.detail, REMEDIES[error.reason])
        return EXIT_FAILED
    return EXIT_DONE


def _list(wanted: str) -> None:
    found = hub.stored()
    for model in found:
        mark = "  <- engine.model" if model.name == wanted else ""
        print(f"{model.name}  {size(model.size)}  {', '.join(r[:12] for r in model.revisions)}{mark}")
    if not any(model.name == wanted for model in found):
        place = hub.local_folder(wanted)
        print(f"{wanted}  " + ("a local folder" if place else "not downloaded yet: dropscribe models pull"))


def _show(progress: LoadProgress) -> None:
    if sys.stderr.isatty() and progress.total_bytes:
        print(
            f"\r\x1b[K{progress.step} {size(progress.done_bytes)} of {size(progress.total_bytes)}",
            end="",
            file=sys.stderr,
            flush=True,
        )
