"""From checked settings back to values as people write them: units, words, and nothing that was left out."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from dropscribe.config.kinds import Kind
from dropscribe.config.schema import RECIPE_SECTIONS, RecipeSection
from dropscribe.config.sections import RECIPES, types_of


def written(section: Struct) -> dict[str, Any]:
    """Return a section, or all settings, as people write them (`5m`, not 300); `checked` makes the same again."""
    kinds = get_type_hints(type(section), include_extras=True)
    found: dict[str, Any] = {}
    for key, kind in kinds.items():
        value = getattr(section, key)
        if key == RECIPES:
            found[key] = {name: _written_recipe(recipe) for name, recipe in value.items()}
        else:
            found[key] = written(value) if isinstance(value, Struct) else as_written(kind, value)
    return found


def _written_recipe(recipe: RecipeSection) -> dict[str, Any]:
    """Return what a recipe sets: what it leaves out is as everywhere else, and has no value of its own."""
    found: dict[str, Any] = {}
    for key, value in msgspec.structs.asdict(recipe).items():
        if key in RECIPE_SECTIONS and value:
            kinds = types_of(key)
            found[key] = {inner: as_written(kinds[inner], given) for inner, given in value.items()}
        elif value not in (None, {}) and (key, value) != ("priority", "normal"):
            found[key] = value
    return found


def as_written(kind: Any, value: Any) -> Any:
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
