"""What is said of a value or a key that cannot be: what it must be, and what may have been meant."""

import difflib
import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

from dropscribe.config.schema import FORMER_KEYS, FORMER_VALUES
from dropscribe.config.values import as_written
from dropscribe.core.errors import Fault


def wanted(kind: Any, said: str) -> str:
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


def _range(bounds: Meta, kind: Any) -> str:
    """Say what is allowed, in the units in which people write it."""

    def told(bound: float) -> str:
        text = as_written(kind, bound)
        return text if isinstance(text, str) else f"{text:,}"

    low = f"greater than {told(bounds.gt)}" if bounds.gt is not None else f"at least {told(bounds.ge or 0)}"
    return low if bounds.le is None else f"{low} and at most {told(bounds.le)}"


def unknown(where: str, key: str, known: list[str]) -> Fault:
    """Return the fault of a *key* that is none of those *known*."""
    near = difflib.get_close_matches(key, known, n=1)
    return Fault(where, "unknown key", f'did you mean "{near[0]}"?' if near else "known keys: " + ", ".join(known))


def misspelt(value: object, word: str) -> bool:
    """Say whether *value* is not *word*, but differs from it by a letter or two."""
    if not isinstance(value, str) or "/" in value:
        return False
    return bool(difflib.get_close_matches(value.casefold(), [word], cutoff=0.8))


def former(key: str, value: object) -> tuple[str, str] | None:
    """Return what to say of a name that an earlier version used, and the remedy; None for any other."""
    if key in FORMER_KEYS:
        return "is called otherwise now", f"write {FORMER_KEYS[key]} in its place; the value may stay"
    new = FORMER_VALUES.get((key, value)) if isinstance(value, str) else None
    return (f"is called otherwise now {got(value)}", f"write {new}") if new else None


def got(value: object) -> str:
    """Return *value* as messages end with it."""
    return f"(got {value!r:.80})"
