"""The settings themselves: names, kinds, bounds and defaults. Nothing here reads a file or tells a fault.

Every default lives here and, told to people, in `config.yaml`; a test holds the two equal. A `Kind` turns what people
write (`5m`, `200KB`, `on`) into a value before its type and bounds are checked. msgspec and not pydantic: the daemon
is meant to be small while it does nothing, and the latter alone takes some 10 MB.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import platformdirs
from msgspec import Meta, Struct, field

Format = Literal["txt", "md", "json", "hocr", "alto", "pdf"]
FORMATS: tuple[str, ...] = get_args(Format)
UNITS_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
UNITS_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
LONGEST = 10 * 365 * 86400  # seconds
# Names of earlier versions, answered with today's.
FORMER_KEYS = {
    "intake.settle": "stable_for",
    "intake.patience": "incomplete_timeout",
    "intake.rescan": "rescan_interval",
    "engine.vision": "vision_precision",
    "model.trim_after": "clear_cache_after",
    "model.stop_grace": "shutdown_grace",
    "output.reuse": "cache",
}
FORMER_VALUES = {("output.conflict", "number"): "suffix", ("output.conflict", "replace"): "overwrite"}
SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


@dataclass(frozen=True)
class Kind:
    """How one sort of value is written; `parse` raises `ValueError` with words for the user."""

    parse: Callable[[Any], Any]


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


def _or_never(parse: Callable[[Any], Any]) -> Kind:
    return Kind(lambda value: None if value == "never" else parse(_given(value)))


def _given(value: object) -> object:
    if value is None:
        raise ValueError("must have a value, or be the word never")
    return value


def _switch(value: object) -> object:
    return SWITCHES.get(value.lower(), value) if isinstance(value, str) else value


def _auto_or_off(value: object) -> object:
    return ("auto" if value else "off") if isinstance(value, bool) else value  # YAML reads a bare off as false


def _folder(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a folder, written as text")
    return os.path.realpath(os.path.expanduser(value))


def _languages(value: object) -> object:
    if value == "auto":
        return value
    codes = [value] if isinstance(value, str) else value
    if not isinstance(codes, list | tuple) or not all(
        isinstance(c, str) and re.fullmatch("[a-z]{2,3}", c) for c in codes
    ):
        raise ValueError("must be one of auto, or ISO codes like [ru, ko]")
    return tuple(codes)


def _bytes(value: object) -> int:
    return int(_size(value))


def state_home() -> str:
    """Return the platform's own place for the journal, the lock and the socket."""
    return os.path.realpath(platformdirs.user_state_dir("dropscribe", appauthor=False))


def log_home() -> str:
    """Return the platform's own place for logs."""
    return os.path.realpath(platformdirs.user_log_dir("dropscribe", appauthor=False))


_seconds, _size = _measure(UNITS_SECONDS, "500ms, 30s, 5m or 24h"), _measure(UNITS_BYTES, "200KB, 512MB or 2GB")
Seconds = Annotated[float, Kind(_seconds), Meta(ge=0, le=LONGEST)]
SomeSeconds = Annotated[float, Kind(_seconds), Meta(gt=0, le=LONGEST)]
SecondsOrNever = Annotated[Seconds | None, _or_never(_seconds)]
SomeSecondsOrNever = Annotated[SomeSeconds | None, _or_never(_seconds)]
Bytes = Annotated[int, Kind(_bytes), Meta(ge=1, le=10**15)]
BytesOrNever = Annotated[Bytes | None, _or_never(_bytes)]
BytesOrNull = Annotated[Bytes | None, Kind(lambda value: None if value is None else _bytes(value))]
Count = Annotated[int, Kind(_number), Meta(ge=1, le=10**12)]
Folder = Annotated[str, Kind(_folder)]
Switch = Annotated[bool, Kind(_switch)]


def _at_home(name: str) -> Any:
    return field(default_factory=lambda: _folder(f"~/Dropscribe/{name}"))


class Folders(Struct, frozen=True):
    """Where things lie; all absolute and resolved."""

    inbox: Folder = _at_home("inbox")
    outbox: Folder = _at_home("outbox")
    archive: Folder = _at_home("archive")
    failed: Folder = _at_home("failed")
    state: Annotated[str, Kind(lambda value: state_home() if value is None else _folder(value))] = field(
        default_factory=state_home
    )


class Intake(Struct, frozen=True):
    """What is taken from the inbox, and within which limits."""

    stable_for: Annotated[float, Kind(_seconds), Meta(ge=0.1, le=LONGEST)] = 2
    incomplete_timeout: Seconds = 60
    rescan_interval: Annotated[float, Kind(_seconds), Meta(ge=1, le=LONGEST)] = 60
    watch: Literal["auto", "native", "poll"] = "auto"
    ignore: tuple[str, ...] = ()
    max_file: Bytes = 500 * 10**6
    max_pixels: Count = 200_000_000
    max_pages: Count = 2000
    decode_timeout: SomeSeconds = 60
    pdf_text: Literal["auto", "never", "always"] = "auto"
    orientation: Annotated[Literal["auto", "off"], Kind(_auto_or_off)] = "auto"


class Engine(Struct, frozen=True):
    """Who reads, and how long it may take."""

    name: Literal["auto", "deepseek-ocr", "rapidocr"] = "auto"
    model: Annotated[str, Meta(min_length=1)] = "mlx-community/DeepSeek-OCR-4bit"
    revision: str | None = None
    mode: Literal["tiny", "small", "base", "large", "gundam"] = "gundam"
    prompt: Annotated[str, Meta(min_length=1)] = "markdown"
    max_tokens: Annotated[int, Kind(_number), Meta(ge=1, le=32768)] = 8192
    vision_precision: Literal["auto", "float32"] = "auto"
    languages: Annotated[tuple[str, ...] | Literal["auto"], Kind(_languages)] = "auto"
    page_timeout: SomeSeconds = 300
    page_budget: SomeSeconds = 720
    attempts: Annotated[int, Kind(_number), Meta(ge=1, le=10)] = 3


class Model(Struct, frozen=True):
    """How long the model stays."""

    idle_timeout: SecondsOrNever = 300
    clear_cache_after: SecondsOrNever = 30
    prewarm: Switch = True
    cache_limit: Bytes = 512 * 10**6
    recycle_pages: Annotated[Count | None, _or_never(_number)] = 1000
    recycle_after: SomeSecondsOrNever = 86400
    recycle_growth: BytesOrNever = 10**9
    shutdown_grace: Seconds = 20


class Memory(Struct, frozen=True):
    """When the model has to go for the sake of the machine."""

    unload_on: Literal["warn", "critical", "never"] = "critical"
    max_percent: Annotated[float, Kind(_number), Meta(ge=1, le=100)] = 85
    budget: BytesOrNull = None


class Output(Struct, frozen=True):
    """What is written, and what becomes of the original."""

    formats: Annotated[tuple[Format, ...], Meta(min_length=1)] = ("txt",)
    originals: Literal["archive", "keep", "delete"] = "archive"
    conflict: Literal["suffix", "overwrite"] = "suffix"
    cache: Switch = True
    tables: Literal["html", "markdown"] = "html"
    figures: Switch = False
    line_breaks: Literal["keep", "join"] = "keep"


class Log(Struct, frozen=True):
    """Where and how the log is written."""

    folder: Annotated[str, Kind(lambda value: log_home() if value is None else _folder(value))] = field(
        default_factory=log_home
    )
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Notify(Struct, frozen=True):
    """Messages on the desktop."""

    when: Literal["never", "failures", "always"] = "never"


class Settings(Struct, frozen=True):
    """All settings."""

    folders: Folders = field(default_factory=Folders)
    intake: Intake = field(default_factory=Intake)
    engine: Engine = field(default_factory=Engine)
    model: Model = field(default_factory=Model)
    memory: Memory = field(default_factory=Memory)
    output: Output = field(default_factory=Output)
    log: Log = field(default_factory=Log)
    notify: Notify = field(default_factory=Notify)
