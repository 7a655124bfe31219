"""How values are written: durations, sizes, switches, folders, and the word `never`. It knows no setting.

A `Kind` turns what people write (`5m`, `200KB`, `on`) into a value before its type and bounds are checked.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

UNITS_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
UNITS_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
LONGEST = 10 * 365 * 86400  # seconds
SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
Parse = Callable[..., Any]
_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """How one sort of value is written; `parse` raises `ValueError` with words for the user.

    A *place* may be relative: its `parse` takes the folder that it counts from as a second argument.
    """

    parse: Parse
    place: bool = False


def _measure(units: Mapping[str, float], example: str) -> Callable[[object], float]:
    """Return a parser of `12unit` that leaves numbers alone."""
    known = {unit.lower(): factor for unit, factor in units.items()}

    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"must look like {example}")
        if isinstance(value, int | float):
            number: float = _number(value)
            return number
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", value)
        if not found or (found[2] and found[2].lower() not in known):
            raise ValueError(f"must look like {example}")
        return float(_number(float(found[1]) * (known[found[2].lower()] if found[2] else 1)))

    return parse


def _number(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be a number")
    return value


def _or_never(parse: Parse) -> Kind:
    return Kind(lambda value: None if value == "never" else parse(_given(value)))


def _given(value: object) -> object:
    if value is None:
        raise ValueError("must have a value, or be the word never")
    return value


def _switch(value: object) -> object:
    return SWITCHES.get(value.lower(), value) if isinstance(value, str) else value


def _auto_or_off(value: object) -> object:
    return ("auto" if value else "off") if isinstance(value, bool) else value  # YAML reads a bare off as false


def _languages(value: Any) -> Any:
    codes = [value] if isinstance(value, str) else value
    wrong = not isinstance(codes, list | tuple)
    if value != "auto" and (wrong or not all(re.fullmatch("[a-z]{2,3}", str(code)) for code in codes)):
        raise ValueError("must be one of auto, or ISO codes like [ru, ko]")
    return value if value == "auto" else tuple(codes)


def _bytes(value: object) -> int:
    return int(_size(value))


def folder(value: object, base: str) -> str:
    """Return the absolute path of the folder that *value* names, counted from *base*; links in it stay links.

    They are followed anew at each look, so that an inbox that is a link may be pointed elsewhere.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a folder, written as text")
    path = os.path.expanduser(_VARIABLE.sub(_variable, value))
    if path.startswith("~"):
        raise ValueError(f"names a user that this system does not know, {path.split('/')[0]}; ./~ means such a name")
    return os.path.abspath(os.path.join(base, path))


def _variable(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    if not os.environ.get(name):
        raise ValueError(f"names a variable that is not set, {found[0]} (an agent does not see your shell's)")
    return os.environ[name]


def resolved_folder_or(default: Callable[[], str]) -> Kind:
    """Return the kind of a folder, its links followed once, for which null stands for *default*."""
    return Kind(lambda value, base: default() if value is None else os.path.realpath(folder(value, base)), place=True)


_seconds, _size = _measure(UNITS_SECONDS, "500ms, 30s, 5m or 24h"), _measure(UNITS_BYTES, "200KB, 512MB or 2GB")
DURATION, NUMBER, AUTO_OR_OFF = Kind(_seconds), Kind(_number), Kind(_auto_or_off)
LANGUAGES = Kind(_languages)
Seconds = Annotated[float, DURATION, Meta(ge=0, le=LONGEST)]
SomeSeconds = Annotated[float, DURATION, Meta(gt=0, le=LONGEST)]
SecondsOrNever = Annotated[Seconds | None, _or_never(_seconds)]
SomeSecondsOrNever = Annotated[SomeSeconds | None, _or_never(_seconds)]
Bytes = Annotated[int, Kind(_bytes), Meta(ge=1, le=10**15)]
BytesOrNever = Annotated[Bytes | None, _or_never(_bytes)]
BytesOrNull = Annotated[Bytes | None, Kind(lambda value: None if value is None else _bytes(value))]
Count = Annotated[int, NUMBER, Meta(ge=1, le=10**12)]
CountOrNever = Annotated[Count | None, _or_never(_number)]
Folder = Annotated[str, Kind(folder, place=True)]
Switch = Annotated[bool, Kind(_switch)]
