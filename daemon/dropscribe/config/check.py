"""From plain values to checked settings: every fault is found and told at once, in words for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from dropscribe.config import fault_words
from dropscribe.config.folders import layout_faults
from dropscribe.config.kinds import Folder, Kind
from dropscribe.config.recipes import BESIDE
from dropscribe.config.schema import RECIPE_ENGINE, RECIPE_SECTIONS, RecipeSection, Settings
from dropscribe.config.sections import RECIPES, SECTIONS, is_section, struct_of, types_of
from dropscribe.core.errors import ConfigError, Fault

_RECIPE_NAME = re.compile(r"[^\W_][\w .-]{0,62}")


@dataclass
class _Source:
    """Where values came from, and the faults that were found in them."""

    name: str  # in messages
    base: str  # the folder that relative folders count from
    defaults: Mapping[str, Mapping[str, str]]  # by section and key, as the reference file writes them
    faults: list[Fault] = field(default_factory=list)

    def told_at(self, key: str) -> bool:
        """Say whether there is a fault at this very *key*."""
        return any(fault.where == f"{self.name}: {key}" for fault in self.faults)

    def told(self, *places: str) -> bool:
        """Say whether there is a fault at one of *places*, or inside."""
        return any(fault.where.startswith(f"{self.name}: {place}") for fault in self.faults for place in places)


def checked(
    values: dict[Any, Any], name: str, base: str, defaults: Mapping[str, Mapping[str, str]] | None = None,
    *, layout: bool = True,
) -> Settings:  # fmt: skip
    """Build settings from plain *values*; raise `ConfigError` with every fault at once.

    *name* says in messages where the values came from, *base* is the folder that relative folders count from,
    *defaults* how the reference file writes each default; without *layout* no folder is looked at.
    """
    source = _Source(name, base, defaults or {})
    settings = Settings(**dict(_sections(values, source)))
    if layout:
        source.faults += layout_faults(settings, name, without=_unsure(values, source))
    if not source.told("engine.remote.url"):
        source.faults += _no_server(settings, name)
    if source.faults:
        raise ConfigError(source.faults, salvaged=settings)
    return settings


def _unsure(values: dict[Any, Any], source: _Source) -> set[str]:
    """Return the folders of the base of which it is not known where they are to be: their faults are told already.

    Those of recipes are left out with their faults. An unknown key may stand for any that is not given.
    """
    folders = types_of("folders")
    given = values.get("folders", {})
    given = given if isinstance(given, dict) else {}
    guessed = source.told("folders") if not given else bool(given.keys() - folders.keys())
    missing = folders.keys() - given.keys() if guessed else set()
    unsure = {f"folders.{key}" for key in folders if key in missing or source.told_at(f"folders.{key}")}
    return unsure | ({"log.folder"} if source.told("log") else set())


def _sections(values: dict[Any, Any], source: _Source) -> Iterator[tuple[str, Any]]:
    for section, given in values.items():
        if section == RECIPES:
            yield section, dict(_recipes(given, source))
        elif section not in SECTIONS:
            source.faults.append(
                fault_words.unknown(f"{source.name}: {section}", str(section), sorted([*SECTIONS, RECIPES]))
            )
        else:
            yield section, _section(section, given, source)


def _recipes(given: Any, source: _Source) -> Iterator[tuple[str, RecipeSection]]:
    """Yield the sound recipes by name."""
    if not isinstance(given, dict):
        what = f"must be a section of recipes, each under a name of yours {fault_words.got(given)}"
        source.faults.append(Fault(f"{source.name}: {RECIPES}", what, "compare it with the examples in config.yaml"))
        return
    for name, recipe in given.items():
        where = f"{RECIPES}.{name}"
        if not isinstance(name, str) or not _RECIPE_NAME.fullmatch(name):
            what = f"must be a name of letters, digits, blanks, dots and dashes {fault_words.got(name)}"
            source.faults.append(Fault(f"{source.name}: {where}", what, "choose another name for the recipe"))
        elif not isinstance(recipe, dict) or recipe.get("inbox") is None:
            what = f"must have an inbox of its own {fault_words.got(recipe)}"
            source.faults.append(Fault(f"{source.name}: {where}", what, "write inbox: and a folder below its name"))
        elif "inbox" in (values := dict(_recipe(where, recipe, source))):
            originals = values.get("output", {}).get("originals", "keep")
            if values.get("outbox") == BESIDE and originals != "keep":
                got = fault_words.got(originals)
                what = f"must be keep where the outbox is beside: originals stay with their texts {got}"
                source.faults.append(Fault(f"{source.name}: {where}.output.originals", what, "remove the line"))
            yield name, RecipeSection(**values)


def _recipe(where: str, given: dict[Any, Any], source: _Source) -> Iterator[tuple[str, Any]]:
    """Yield the sound settings of one recipe; those of a section only as far as they are given."""
    types = get_type_hints(RecipeSection, include_extras=True)
    for key, value in given.items():
        if key in RECIPE_SECTIONS:
            yield key, dict(_recipe_section(f"{where}.{key}", key, value, source))
        elif value is None or (key, value) == ("outbox", BESIDE):
            yield key, value
        elif key == "outbox" and fault_words.misspelt(value, BESIDE):
            what = f"is neither {BESIDE} nor clearly a folder {fault_words.got(value)}"
            remedy = f'did you mean "{BESIDE}"? A folder of that name is written ./{value}'
            source.faults.append(Fault(f"{source.name}: {where}.{key}", what, remedy))
        elif key in types:
            yield from _checked_value(where, key, types[key] if key == "priority" else Folder, value, source)
        else:
            source.faults.append(fault_words.unknown(f"{source.name}: {where}.{key}", str(key), sorted(types)))


def _recipe_section(where: str, section: str, given: Any, source: _Source) -> Iterator[tuple[str, Any]]:
    """Yield the sound settings of a section that a recipe has of its own."""
    allowed = RECIPE_ENGINE if section == "engine" else frozenset(types_of(section))
    if not isinstance(given, dict):
        what = f"must be a section with settings of its own {fault_words.got(given)}"
        source.faults.append(Fault(f"{source.name}: {where}", what, f"its keys: {', '.join(sorted(allowed))}"))
        return
    for key in given.keys() & (types_of(section).keys() - allowed):
        remedy = f"set it in the section engine; a recipe may set {', '.join(sorted(allowed))}"
        what = "cannot differ in a recipe: one engine reads for all"
        source.faults.append(Fault(f"{source.name}: {where}.{key}", what, remedy))
    others = {key: value for key, value in given.items() if key in allowed or key not in types_of(section)}
    yield from _values(section, others, source, where)


def _no_server(settings: Settings, name: str) -> list[Fault]:
    if settings.engine.name != "remote" or settings.engine.remote.url:
        return []
    what = "must name the server that reads, where engine.name is remote (got [])"
    return [Fault(f"{name}: engine.remote.url", what, "write its base URL, like http://gpu1:8000")]


def _section(section: str, given: Any, source: _Source) -> Struct:
    """Return one section, its faulty keys left at their defaults and told."""
    if not isinstance(given, dict):
        what, known = (
            f"must be a section with settings of its own {fault_words.got(given)}",
            ", ".join(types_of(section)),
        )
        source.faults.append(
            Fault(f"{source.name}: {section}", what, f"start a line below it with one of its keys: {known}")
        )
        return struct_of(section)()
    return struct_of(section)(**dict(_values(section, given, source)))


def _values(
    section: str, given: dict[Any, Any], source: _Source, place: str | None = None
) -> Iterator[tuple[str, Any]]:
    """Yield the sound settings of a *section*, which is written at *place*."""
    for key, value in given.items():
        where = f"{source.name}: {place or section}.{key}"
        if former := fault_words.former(f"{section}.{key}", value):
            source.faults.append(Fault(where, *former))
        elif key not in types_of(section):
            source.faults.append(fault_words.unknown(where, str(key), sorted(types_of(section))))
        elif is_section(types_of(section)[key]):
            yield key, _section(f"{section}.{key}", {} if value is None else value, source)
        else:
            yield from _checked_value(place or section, key, types_of(section)[key], value, source)


def _checked_value(place: str, key: str, kind: Any, value: object, source: _Source) -> Iterator[tuple[str, Any]]:
    """Yield *key* and its value as *kind* wants it; tell a fault instead."""
    try:
        yield key, _value(kind, value, source.base)
    except (ValueError, OverflowError) as error:  # msgspec's own errors are such too
        default = source.defaults.get(place, {}).get(key, "the default")
        remedy = f"correct it, or remove the line to use {default}"
        source.faults.append(Fault(f"{source.name}: {place}.{key}", f"{error} {fault_words.got(value)}", remedy))


def _value(kind: Any, value: object, base: str) -> Any:
    """Return *value* as *kind* wants it; raise `ValueError` in our words."""
    extras = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    for extra in reversed(extras):
        if isinstance(extra, Kind):
            value = extra.parse(value, base) if extra.place else extra.parse(value)
            break
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(fault_words.wanted(kind, str(error))) from None
