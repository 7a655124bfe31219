"""The sections of the settings and their keys, with their types, as `schema` declares them."""

from functools import cache
from typing import Any, get_type_hints

from msgspec import Struct

from dropscribe.config.schema import Settings

RECIPES = "recipes"  # not a section with keys of ours: its keys are names that people give
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
