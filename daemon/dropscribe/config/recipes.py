"""Recipes: other inboxes of the same daemon, each with the settings that hold for its files.

A recipe is made from the settings once and travels with its files: nobody looks settings up while a file is under way.
The base is a recipe without a name.
"""

import os
from dataclasses import dataclass

from msgspec import structs

from dropscribe.config.schema import Folders, RecipeSection, Settings

BASE = ""
PRIORITIES = {"high": 0, "normal": 1, "low": 2}  # lower comes first
BESIDE = "beside"  # outputs lie beside their originals, which stay


@dataclass(frozen=True)
class Recipe:
    """What holds for the files of one inbox; `settings` are whole, with this inbox among the folders."""

    name: str
    priority: int
    settings: Settings

    @property
    def is_beside(self) -> bool:
        """Say whether outputs lie in the inbox itself."""
        return self.settings.folders.outbox == self.settings.folders.inbox

    @property
    def inbox(self) -> bytes:
        """What the journal knows this inbox by: its folder, or nothing for the base's."""
        return b"" if self.name == BASE else os.fsencode(self.settings.folders.inbox)


def base(settings: Settings) -> Recipe:
    """Return what holds for the files of the inbox without a recipe."""
    return Recipe(BASE, PRIORITIES["normal"], structs.replace(settings, recipes={}))


def named(settings: Settings) -> dict[str, Recipe]:
    """Return the recipes by name, in the order of the settings file."""
    return {name: _recipe(name, section, settings) for name, section in settings.recipes.items()}


def _recipe(name: str, section: RecipeSection, settings: Settings) -> Recipe:
    output = structs.replace(settings.output, **section.output)
    if section.outbox == BESIDE:
        output = structs.replace(output, originals="keep")
    own = structs.replace(
        settings,
        folders=_folders(section, settings.folders),
        intake=structs.replace(settings.intake, **section.intake),
        engine=structs.replace(settings.engine, **section.engine),
        output=output,
        hooks=structs.replace(settings.hooks, **section.hooks),
        recipes={},
    )
    return Recipe(name, PRIORITIES[section.priority], own)


def _folders(section: RecipeSection, folders: Folders) -> Folders:
    outbox = section.inbox if section.outbox == BESIDE else section.outbox
    return structs.replace(
        folders,
        inbox=section.inbox,
        outbox=outbox or folders.outbox,
        archive=section.archive or folders.archive,
        failed=section.failed or folders.failed,
    )
