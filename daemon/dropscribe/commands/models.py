"""`dropscribe models`: list the models on this machine, download one, remove one."""

import argparse
import sys
from collections.abc import Sequence

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of
from dropscribe.config import Engine
from dropscribe.core.errors import REMEDIES, DropscribeError, ReasonedError, UsageError
from dropscribe.doctor import models as weights
from dropscribe.doctor import packages
from dropscribe.engines import hub, registry
from dropscribe.engines.base import LoadProgress
from dropscribe.memory.policy import size

MLX = "pip install 'dropscribe[mlx]'"


def models(given: argparse.Namespace) -> int:
    """List, pull or remove; the name defaults to the model of the settings."""
    settings = settings_of(given)
    name = given.name or settings.engine.model
    if name == "rapidocr" and given.action in ("pull", "remove"):
        what = "rapidocr is part of its package: there is nothing to download or to remove"
        raise UsageError("models", what, "dropscribe models lists the models of this machine")
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
            _list(settings.engine)
    except ReasonedError as error:
        complain("models", error.detail, REMEDIES[error.reason])
        return EXIT_FAILED
    return EXIT_DONE


def _list(settings: Engine) -> None:
    """Print the embedded model, then those of the hub's cache, and what is missing for them."""
    used = registry.choose(settings.name)[0]
    print(f"rapidocr  {weights.embedded().detail}" + ("  <- the engine in use" if used == "rapidocr" else ""))
    lacking = packages.packages("deepseek-ocr", packages.installed)
    what, remedy = lacking.detail, lacking.remedy
    try:
        _list_stored(settings.model, hub.stored())
    except ModuleNotFoundError as error:
        if used == "deepseek-ocr":
            raise
        what, remedy = what if remedy else f"deepseek-ocr needs {error.name}, not installed", remedy or MLX
    if remedy:
        print(f"Other models cannot be used here: {what}. To add that: {remedy}")


def _list_stored(wanted: str, found: Sequence[hub.StoredModel]) -> None:
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
