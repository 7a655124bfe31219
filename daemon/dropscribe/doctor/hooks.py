"""The user's commands after files: whether they can be found, and which of them fail. It runs none."""

import os
import shutil
from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.core import status_words
from dropscribe.core.job import State
from dropscribe.core.status import Status
from dropscribe.doctor.values import Check, warning


def all_of(settings: Settings, status: Status | None) -> Iterator[Check]:
    """Judge the hooks of *settings*; those that fail are known to a running daemon only."""
    for setting, command in _commands(settings):
        relative = os.sep in command[0] and not os.path.isabs(command[0])  # to the daemon's own folder
        if not relative and shutil.which(command[0]) is None:
            what = f"there is no program {command[0]}, or it may not be run"
            yield warning(setting, what, f"correct {setting}; a command needs its whole path where PATH lacks it")
    for failing in status.hooks.failing if status is not None else []:
        setting = _setting(settings, failing.recipe, failing.state)
        of = f" ({failing.recipe})" if failing.recipe else ""
        what = f"{failing.command} for {failing.name}{of} {status_words.ending(failing)}"
        yield warning(setting, what, f"try it by hand, and correct {setting}; dropscribe logs has what it printed")


def _commands(settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the commands with the settings that name them."""
    for state in (State.DONE, State.FAILED):
        if command := getattr(settings.hooks, state):
            yield f"hooks.{state}", command
        for name, recipe in settings.recipes.items():
            if command := recipe.hooks.get(state):
                yield f"recipes.{name}.hooks.{state}", command


def _setting(settings: Settings, recipe: str | None, state: str) -> str:
    """Return where the command stands that runs for *recipe*: its own setting, or the one it inherits."""
    own = recipe is not None and recipe in settings.recipes and state in settings.recipes[recipe].hooks
    return f"recipes.{recipe}.hooks.{state}" if own else f"hooks.{state}"
