"""From plain values to checked settings: every fault is found and told at once, in words for people."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from dropscribe.config.folders import layout_faults
from dropscribe.config.kinds import Folder, Kind
from dropscribe.config.recipes import BESIDE
from dropscribe.config.schema import (
    FORMER_KEYS,
    FORMER_VALUES,
    RECIPE_ENGINE,
    RECIPE_SECTIONS,
    RecipeSection,
    Settings,
)
from dropscribe.core.errors import ConfigError, Fault

RECIPES = "recipes"  # not a section with keys of ours: its keys are names that people give
_RECIPE_NAME = re.compile(r"[^\W_][\w .-]{0,62}")
SECTIONS: dict[str, type[Struct]] = {name: kind for name, kind in get_type_hints(Settings).items() if name != RECIPES}


def struct_of(section: str) -> type[Struct]:
    """Return the type of a section; one inside another is written `engine.remote`."""
    outer, _, inner = section.rpartition(".")
    return types_of(outer)[inner] if outer else SECTIONS[section]


@cache
def types_of(section: str) -> dict[str, Any]:
    """Return the keys of a section with their annotated types."""
    return get_type_hints(struct_of(section), include_extras=True)


def is_section(kind: Any) -> bool:
    """Say whether values of this type are sections of their own."""
    return isinstance(kind, type) and issubclass(kind, Struct)


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
            source.faults.append(_unknown(f"{source.name}: {section}", str(section), sorted([*SECTIONS, RECIPES])))
        else:
            yield section, _section(section, given, source)


def _recipes(given: Any, source: _Source) -> Iterator[tuple[str, RecipeSection]]:
    """Yield the sound recipes by name."""
    if not isinstance(given, dict):
        what = f"must be a section of recipes, each under a name of yours {_got(given)}"
        source.faults.append(Fault(f"{source.name}: {RECIPES}", what, "compare it with the examples in config.yaml"))
        return
    for name, recipe in given.items():
        where = f"{RECIPES}.{name}"
        if not isinstance(name, str) or not _RECIPE_NAME.fullmatch(name):
            what = f"must be a name of letters, digits, blanks, dots and dashes {_got(name)}"
            source.faults.append(Fault(f"{source.name}: {where}", what, "choose another name for the recipe"))
        elif not isinstance(recipe, dict) or recipe.get("inbox") is None:
            what = f"must have an inbox of its own {_got(recipe)}"
            source.faults.append(Fault(f"{source.name}: {where}", what, "write inbox: and a folder below its name"))
        elif "inbox" in (values := dict(_recipe(where, recipe, source))):
            originals = values.get("output", {}).get("originals", "keep")
            if values.get("outbox") == BESIDE and originals != "keep":
                what = f"must be keep where the outbox is beside: originals stay with their texts {_got(originals)}"
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
        elif key == "outbox" and _misspelt(value, BESIDE):
            what = f"is neither {BESIDE} nor clearly a folder {_got(value)}"
            remedy = f'did you mean "{BESIDE}"? A folder of that name is written ./{value}'
            source.faults.append(Fault(f"{source.name}: {where}.{key}", what, remedy))
        elif key in types:
            yield from _checked_value(where, key, types[key] if key == "priority" else Folder, value, source)
        else:
            source.faults.append(_unknown(f"{source.name}: {where}.{key}", str(key), sorted(types)))


def _recipe_section(where: str, section: str, given: Any, source: _Source) -> Iterator[tuple[str, Any]]:
    """Yield the sound settings of a section that a recipe has of its own."""
    allowed = RECIPE_ENGINE if section == "engine" else frozenset(types_of(section))
    if not isinstance(given, dict):
        what = f"must be a section with settings of its own {_got(given)}"
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
        what, known = f"must be a section with settings of its own {_got(given)}", ", ".join(types_of(section))
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
        if former := _former(f"{section}.{key}", value):
            source.faults.append(Fault(where, *former))
        elif key not in types_of(section):
            source.faults.append(_unknown(where, str(key), sorted(types_of(section))))
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
        source.faults.append(Fault(f"{source.name}: {place}.{key}", f"{error} {_got(value)}", remedy))


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
        raise ValueError(_words(kind, str(error))) from None


def _words(kind: Any, said: str) -> str:
    """Say what a value must be: the types and bounds tell it better than the library's message."""
    plain = next(_members(kind))
    bounds = list(_bounds(kind))
    choices = _choices(plain)
    if choices and (get_origin(plain) is not tuple or "enum value" in said):
        return f"must be one of {', '.join(choices[:-1])} or {choices[-1]}"
    if plain in (int, float) and bounds and re.search(r"[<>]=?", said):
        return f"must be {_range(bounds[0], kind)}"
    if "length" in said:
        return "must not be empty" if plain is str else "must name at least one format"
    names = {str: "text", bool: "true or false", int: "a whole number", float: "a number", dict: "a mapping"}
    return f"must be {names.get(get_origin(plain) or plain, 'a list')}"


def _members(kind: Any) -> Iterator[Any]:
    """Yield the plain types of an annotated one, without None."""
    if get_origin(kind) is Annotated:
        yield from _members(get_args(kind)[0])
    elif isinstance(kind, UnionType) or get_origin(kind) is Union:
        for part in get_args(kind):
            if part is not type(None):
                yield from _members(part)
    else:
        yield kind


def _bounds(kind: Any) -> Iterator[Meta]:
    """Yield the bounds of an annotated type, however deep."""
    if get_origin(kind) is Annotated:
        yield from (extra for extra in get_args(kind)[1:] if isinstance(extra, Meta))
    for part in get_args(kind):
        yield from _bounds(part)


def _choices(plain: Any) -> tuple[str, ...]:
    if get_origin(plain) is tuple:
        return _choices(get_args(plain)[0])
    return get_args(plain) if get_origin(plain) is Literal else ()


def written(section: Struct) -> dict[str, Any]:
    """Return the values of a section as people write them; sections inside it too."""
    kinds = get_type_hints(type(section), include_extras=True)
    found: dict[str, Any] = {}
    for key, kind in kinds.items():
        value = getattr(section, key)
        if key == RECIPES:
            found[key] = {name: _written_recipe(recipe) for name, recipe in value.items()}
        else:
            found[key] = written(value) if isinstance(value, Struct) else _written(kind, value)
    return found


def _written_recipe(recipe: RecipeSection) -> dict[str, Any]:
    """Return what a recipe sets: what it leaves out is as everywhere else, and has no value of its own."""
    found: dict[str, Any] = {}
    for key, value in msgspec.structs.asdict(recipe).items():
        if key in RECIPE_SECTIONS and value:
            kinds = types_of(key)
            found[key] = {inner: _written(kinds[inner], given) for inner, given in value.items()}
        elif value not in (None, {}) and (key, value) != ("priority", "normal"):
            found[key] = value
    return found


def _written(kind: Any, value: Any) -> Any:
    """Return *value* as its kind writes it; what has no way of its own, in plain values."""
    first = next(_kinds(kind), None)
    plain = msgspec.to_builtins(value)
    return plain if first is None or isinstance(plain, str) else first.write(plain)


def _kinds(kind: Any) -> Iterator[Kind]:
    """Yield the ways of writing of an annotated type, from the outside in."""
    if get_origin(kind) is Annotated:
        yield from (extra for extra in reversed(get_args(kind)[1:]) if isinstance(extra, Kind))
    for part in get_args(kind):
        yield from _kinds(part)


def _range(bounds: Meta, kind: Any) -> str:
    """Say what is allowed, in the units in which people write it."""

    def told(bound: float) -> str:
        text = _written(kind, bound)
        return text if isinstance(text, str) else f"{text:,}"

    low = f"greater than {told(bounds.gt)}" if bounds.gt is not None else f"at least {told(bounds.ge or 0)}"
    return low if bounds.le is None else f"{low} and at most {told(bounds.le)}"


def _unknown(where: str, key: str, known: list[str]) -> Fault:
    near = difflib.get_close_matches(key, known, n=1)
    return Fault(where, "unknown key", f'did you mean "{near[0]}"?' if near else "known keys: " + ", ".join(known))


def _misspelt(value: object, word: str) -> bool:
    """Say whether *value* is not *word*, but differs from it by a letter or two."""
    if not isinstance(value, str) or "/" in value:
        return False
    return bool(difflib.get_close_matches(value.casefold(), [word], cutoff=0.8))


def _former(key: str, value: object) -> tuple[str, str] | None:
    """Return what to say of a name that an earlier version used, and the remedy; None for any other."""
    if key in FORMER_KEYS:
        return "is called otherwise now", f"write {FORMER_KEYS[key]} in its place; the value may stay"
    new = FORMER_VALUES.get((key, value)) if isinstance(value, str) else None
    return (f"is called otherwise now {_got(value)}", f"write {new}") if new else None


def _got(value: object) -> str:
    return f"(got {value!r:.80})"
