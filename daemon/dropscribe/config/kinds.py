"""How values are written: durations, sizes, switches, folders, and the word `never`. It knows no setting.

A `Kind` turns what people write (`5m`, `200KB`, `on`) into a value before its type and bounds are checked, and back.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta

UNITS_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
WORDS_SECONDS = {
    "sec secs second seconds": 1, "min mins minute minutes": 60, "hr hrs hour hours": 3600, "day days": 86400,
}  # fmt: skip
UNITS_BYTES = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
LONGEST = 10 * 365 * 86400  # seconds
SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
Parse = Callable[..., Any]
_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """How one sort of value is written; `parse` raises `ValueError` with words for the user.

    A *place* may be relative: its `parse` takes the folder that it counts from as a second argument. `write` turns a
    value back into what people write.
    """

    parse: Parse
    place: bool = False
    write: Callable[[Any], Any] = str


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


def duration_text(seconds: float) -> str:
    """Return a duration as people write it: `500ms`, `5m`, `24h`, `3650d`."""
    units = [unit for unit in ("d", "h", "m", "s", "ms") if unit != "d" or seconds > 3 * UNITS_SECONDS["d"]]
    for unit in units if seconds else ():
        count = round(seconds / UNITS_SECONDS[unit], 6)
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{Decimal(repr(seconds)):f}s" if seconds else "0s"


def size_text(count: int) -> str:
    """Return bytes as people write them, in the largest unit that leaves nothing over."""
    unit = max((unit for unit, factor in UNITS_BYTES.items() if count % factor == 0), key=lambda u: UNITS_BYTES[u])
    return f"{count // UNITS_BYTES[unit]}{unit}"


def _as_it_is(value: Any) -> Any:
    return value


def _number_text(value: Any) -> Any:
    """Return a number as people write it: no fraction where there is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be a number")
    return value


def _or_never(parse: Parse, write: Callable[[Any], Any]) -> Kind:
    return Kind(
        lambda value: None if value == "never" else parse(_given(value)),
        write=lambda value: "never" if value is None else write(value),
    )


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


def _owners(value: Any) -> Any:
    if value == "any":
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(name, str | int) and name != "" for name in value):
        raise ValueError("must be one of any, or user names like [scanner]")
    return tuple(map(str, value))


def _command(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) and word for word in value):
        raise ValueError("must be a list of words, like [/usr/local/bin/file-it, --quiet]; no shell reads it")
    return tuple(value)


def _bytes(value: object) -> int:
    return int(_size(value))


def folder(value: object, base: str) -> str:
    """Return the absolute path of the folder that *value* names, counted from *base*; links in it stay links.

    They are resolved at every access, so that an inbox that is a link may be pointed elsewhere.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a folder, written as text")
    path = os.path.expanduser(_VARIABLE.sub(_variable, value))
    if path.split("/")[0] == "~":
        raise ValueError("is below your home folder, which the system does not know: HOME is not set")
    if path.startswith("~"):
        raise ValueError(f"names a user that this system does not know, {path.split('/')[0]}; ./~ means such a name")
    return os.path.abspath(os.path.join(base, path))


def _variable(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    if not os.environ.get(name):
        raise ValueError(f"names a variable that is not set, {found[0]} (an agent does not see your shell's)")
    return os.environ[name]


def _file_or_null(value: object, base: str) -> str | None:
    """Return the absolute path of the file that *value* names, as `folder` does."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError("must be a file, written as text, or null")
    return None if value is None else folder(value, base)


def resolved_folder_or(default: Callable[[], str]) -> Kind:
    """Return the kind of a folder, its links followed once, for which null stands for *default*."""
    return Kind(lambda value, base: default() if value is None else os.path.realpath(folder(value, base)), place=True)


_all_seconds = UNITS_SECONDS | {word: factor for words, factor in WORDS_SECONDS.items() for word in words.split()}
_seconds, _size = _measure(_all_seconds, "500ms, 30s, 5m or 24h"), _measure(UNITS_BYTES, "200KB, 512MB or 2GB")
DURATION, NUMBER = Kind(_seconds, write=duration_text), Kind(_number, write=_number_text)
AUTO_OR_OFF, LANGUAGES = Kind(_auto_or_off), Kind(_languages, write=_as_it_is)
OWNERS, COMMAND = Kind(_owners, write=_as_it_is), Kind(_command, write=_as_it_is)
SIZE = Kind(_bytes, write=size_text)
Seconds = Annotated[float, DURATION, Meta(ge=0, le=LONGEST)]
SomeSeconds = Annotated[float, DURATION, Meta(gt=0, le=LONGEST)]
SecondsOrNever = Annotated[Seconds | None, _or_never(_seconds, duration_text)]
SomeSecondsOrNever = Annotated[SomeSeconds | None, _or_never(_seconds, duration_text)]
Bytes = Annotated[int, SIZE, Meta(ge=1, le=10**15)]
BytesOrNever = Annotated[Bytes | None, _or_never(_bytes, size_text)]
BytesOrNull = Annotated[
    Bytes | None,
    Kind(lambda value: None if value is None else _bytes(value),
         write=lambda value: None if value is None else size_text(value)),
]  # fmt: skip
Count = Annotated[int, NUMBER, Meta(ge=1, le=10**12)]
CountOrNever = Annotated[Count | None, _or_never(_number, _as_it_is)]
Folder = Annotated[str, Kind(folder, place=True)]
FileOrNull = Annotated[str | None, Kind(_file_or_null, place=True, write=_as_it_is)]
Switch = Annotated[bool, Kind(_switch, write=_as_it_is)]
