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


def checked(values: dict[Any, Any], name: str, defaults: dict[str, dict[str, str]] | None = None) -> Settings:
    """Build settings from plain *values*; raise `ConfigError` with every fault at once.

    *name* says in messages where the values came from, *defaults* how the reference file writes each default.
    """
    faults: list[Fault] = []
    found: dict[str, Struct] = {}
    for section, given in values.items():
        if section not in SECTIONS:
            faults.append(_unknown(f"{name}: {section}", str(section), sorted(SECTIONS)))
        elif not isinstance(given, dict):
            faults.append(_no_section(section, given, name))
        else:
            found[section] = _section(section, given, name, defaults or {}, faults)
    settings = Settings(**found)  # type: ignore[arg-type]  # each under its own name
    layout = layout_faults(settings, name) if not any(f.where.startswith(f"{name}: folders.") for f in faults) else []
    faults += _no_server(settings, name) if not any(f.where == f"{name}: engine.remote.url" for f in faults) else []
    if faults + layout:
        raise ConfigError(faults + layout, salvaged=settings)
    return settings


def _no_server(settings: Settings, name: str) -> list[Fault]:
    if settings.engine.name != "remote" or settings.engine.remote.url:
        return []
    what = "must name the server that reads, where engine.name is remote (got [])"
    return [Fault(f"{name}: engine.remote.url", what, "write its base URL, like http://gpu1:8000")]


def _no_section(section: str, given: object, name: str) -> Fault:
    what = f"must be a section with settings of its own {_got(given)}"
    return Fault(
        f"{name}: {section}", what, f"start a line below it with one of its keys: {', '.join(types_of(section))}"
    )


def _section(
    section: str, given: dict[Any, Any], name: str, defaults: dict[str, dict[str, str]], faults: list[Fault]
) -> Struct:
    """Return one section, its faulty keys left at their defaults and told in *faults*."""
    values = {}
    for key, value in given.items():
        where = f"{name}: {section}.{key}"
        if former := _former(f"{section}.{key}", value):
            faults.append(Fault(where, *former))
            continue
        if key not in types_of(section):
            faults.append(_unknown(where, str(key), sorted(types_of(section))))
            continue
        if is_section(types_of(section)[key]):
            inner = {} if value is None else value
            if isinstance(inner, dict):
                values[key] = _section(f"{section}.{key}", inner, name, defaults, faults)
            else:
                faults.append(_no_section(f"{section}.{key}", inner, name))
            continue
        try:
            values[key] = _value(types_of(section)[key], value)
        except (ValueError, OverflowError) as error:  # msgspec's own errors are such too
            default = defaults.get(section, {}).get(key, "the default")
            faults.append(Fault(where, f"{error} {_got(value)}", f"correct it, or remove the line to use {default}"))
    return struct_of(section)(**values)


def _value(kind: Any, value: object) -> Any:
    """Return *value* as *kind* wants it; raise `ValueError` in our words."""
    extras = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    for extra in reversed(extras):
        if isinstance(extra, Kind):
            value = extra.parse(value)
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
