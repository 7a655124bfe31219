"""Hooks that fail: of each recipe, for files that were read and for those that were not, the last failure.

One is remembered, over a restart too, until that hook succeeds. It is told for as long as the settings name the
command: what was corrected, or removed with its recipe, says nothing of what runs next.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec import structs

from dropscribe.config import Settings, recipes
from dropscribe.core.status import FailingHook, LastHook
from dropscribe.journal.hooks import Hook
from dropscribe.journal.metadata import Metadata

FACT = "failing hooks"
_Key = tuple[str, str]  # recipe (empty: the base) and state of the file


@dataclass(frozen=True)
class _Failure:
    command: tuple[str, ...]
    told: FailingHook


class FailingHooks:
    """What failed last, kept in *metadata*; *settings* gives those in force."""

    def __init__(self, metadata: Metadata, settings: Callable[[], Settings]) -> None:
        self._metadata, self._settings = metadata, settings
        self._failures = _read(metadata.get(FACT))

    def ended(self, hook: Hook, run: LastHook) -> None:
        """Take in how a run of *hook* ended, durably; may be repeated."""
        recipe = hook.told["recipe"]
        key = (recipe or "", run.state)
        failures = {each: failure for each, failure in self._failures.items() if self._is_named(each, failure)}
        failures.pop(key, None)
        if run.exit != 0:
            told = FailingHook(**structs.asdict(run), recipe=recipe)
            failures[key] = _Failure(hook.command, told)
        if failures != self._failures:
            self._metadata.note(FACT, msgspec.json.encode(list(failures.values())).decode())
            self._failures = failures

    def status(self) -> list[FailingHook]:
        """Return what `status` shows: the base first, then by recipe."""
        return [self._failures[key].told for key in sorted(self._failures) if self._is_named(key, self._failures[key])]

    def _is_named(self, key: _Key, failure: _Failure) -> bool:
        """Say whether the settings in force name the command that failed."""
        settings, (recipe, state) = self._settings(), key
        found = recipes.named(settings).get(recipe) if recipe else recipes.base(settings)
        return found is not None and failure.command == getattr(found.settings.hooks, state)


def _read(written: str | None) -> dict[_Key, _Failure]:
    try:
        failures = msgspec.json.decode(written, type=list[_Failure]) if written else []
    except msgspec.MsgspecError:
        failures = []  # another version's: the next run of each hook tells
    return {(failure.told.recipe or "", failure.told.state): failure for failure in failures}
