"""From plain values to checked settings: every fault is found and told at once, in words for people."""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from dropscribe.config.folders import layout_faults
from dropscribe.config.kinds import Kind
from dropscribe.config.schema import FORMER_KEYS, FORMER_VALUES, Settings
from dropscribe.core.errors import ConfigError, Fault

SECTIONS: dict[str, type[Struct]] = get_type_hints(Settings)


@cache
def types_of(section: str) -> dict[str, Any]:
    """Return the keys of a section with their annotated types."""
    return get_type_hints(SECTIONS[section], include_extras=True)


def checked(
    values: dict[Any, Any], name: str, base: str, defaults: dict[str, dict[str, str]] | None = None,
    *, layout: bool = True,
) -> Settings:  # fmt: skip
    """Build settings from plain *values*; raise `ConfigError` with every fault at once.

    *name* says in messages where the values came from, *base* is the folder that relative folders count from,
    *defaults* how the reference file writes each default; without *layout* no folder is looked at.
    """
    faults: list[Fault] = []
    found: dict[str, Struct] = {}
    for section, given in values.items():
        if section not in SECTIONS:
            faults.append(_unknown(f"{name}: {section}", str(section), sorted(SECTIONS)))
        elif not isinstance(given, dict):
            what = f"must be a section with settings of its own {_got(given)}"
            faults.append(
                Fault(
                    f"{name}: {section}",
                    what,
                    f"start a line below it with one of its keys: {', '.join(types_of(section))}",
                )
            )
        else:
            found[section] = _section(section, given, (name, base), (defaults or {}).get(section, {}), faults)
    settings = Settings(**found)  # type: ignore[arg-type]  # each under its own name
    if layout and not any(fault.where.startswith(f"{name}: folders.") for fault in faults):
        faults += layout_faults(settings, name)
    if faults:
        raise ConfigError(faults, salvaged=settings)
    return settings


def _section(
    section: str, given: dict[Any, Any], source: tuple[str, str], defaults: dict[str, str], faults: list[Fault]
) -> Struct:
    """Return one section, its faulty keys left at their defaults and told in *faults*; *source* is name and base."""
    values = {}
    name, base = source
    for key, value in given.items():
        where = f"{name}: {section}.{key}"
        if former := _former(f"{section}.{key}", value):
            faults.append(Fault(where, *former))
            continue
        if key not in types_of(section):
            faults.append(_unknown(where, str(key), sorted(types_of(section))))
            continue
        try:
            values[key] = _value(types_of(section)[key], value, base)
        except (ValueError, OverflowError) as error:  # msgspec's own errors are such too
            default = defaults.get(key, "the default")
            faults.append(Fault(where, f"{error} {_got(value)}", f"correct it, or remove the line to use {default}"))
    return SECTIONS[section](**values)


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
        return f"must be {_range(bounds[0])}"
    if "length" in said:
        return "must not be empty" if plain is str else "must name at least one format"
    names = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
    return f"must be {names.get(plain, 'a list')}"


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


def _range(bounds: Meta) -> str:
    low = f"greater than {bounds.gt:g}" if bounds.gt is not None else f"at least {bounds.ge:g}"
    return low if bounds.le is None else f"{low} and at most {bounds.le:g}"


def _unknown(where: str, key: str, known: list[str]) -> Fault:
    near = difflib.get_close_matches(key, known, n=1)
    return Fault(where, "unknown key", f'did you mean "{near[0]}"?' if near else "known keys: " + ", ".join(known))


def _former(key: str, value: object) -> tuple[str, str] | None:
    """Return what to say of a name that an earlier version used, and the remedy; None for any other."""
    if key in FORMER_KEYS:
        return "is called otherwise now", f"write {FORMER_KEYS[key]} in its place; the value may stay"
    new = FORMER_VALUES.get((key, value)) if isinstance(value, str) else None
    return (f"is called otherwise now {_got(value)}", f"write {new}") if new else None


def _got(value: object) -> str:
    return f"(got {value!r:.80})"
