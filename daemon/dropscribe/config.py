"""Settings: read once, checked whole, frozen.

Every default lives here and, told to people, in `config.yaml`; a test holds the two equal. Reading a file has no
effect beyond the returned value: no folder is made, nothing is logged.
"""

import difflib
import json
import math
import os
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import platformdirs
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dropscribe.errors import ConfigError, Fault

Format = Literal["txt", "md", "json", "hocr", "alto", "pdf"]
FORMATS: tuple[str, ...] = get_args(Format)
UNITS_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
UNITS_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def _measure(units: dict[str, float], example: str) -> BeforeValidator:
    """Return a validator that turns `12unit` into a number, and leaves numbers alone."""
    known = {unit.lower(): factor for unit, factor in units.items()}

    def parse(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"must look like {example}")
        if isinstance(value, int | float):
            return _number(value)
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", value)
        if not found or (found[2] and found[2].lower() not in known):
            raise ValueError(f"must look like {example}")
        return float(found[1]) * (known[found[2].lower()] if found[2] else 1)

    return BeforeValidator(parse)


def _words(*, on: str = "on", off: str = "off") -> BeforeValidator:
    """Return a validator that gives YAML's bare on/off (true/false) their words back."""
    return BeforeValidator(lambda value: (on if value else off) if isinstance(value, bool) else value)


def _number(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be a number")
    return value


def _some(formats: tuple[Format, ...]) -> tuple[Format, ...]:
    if not formats:  # asked only when each is known: a wrong one is told once
        raise ValueError("must name at least one format")
    return formats


def _or_never(value: object) -> object:
    return None if value == "never" else value


Seconds = Annotated[float, _measure(UNITS_SECONDS, "500ms, 30s, 5m or 24h"), Field(ge=0, le=10 * 365 * 86400)]
Bytes = Annotated[
    int,
    BeforeValidator(lambda v: int(v) if isinstance(v, float) else v),
    _measure(UNITS_BYTES, "200KB, 512MB or 2GB"),
    Field(ge=1),
]
Count = Annotated[int, BeforeValidator(_number)]
Percent = Annotated[float, BeforeValidator(_number)]
OrNever = BeforeValidator(_or_never)


class Section(BaseModel):
    """Settings are frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _folder(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a folder, written as text")
    return os.path.realpath(os.path.expanduser(value))


Folder = Annotated[str, BeforeValidator(_folder)]


def state_home() -> str:
    """Return the platform's own place for the journal, the lock and the socket."""
    return os.path.realpath(platformdirs.user_state_dir("dropscribe", appauthor=False))


def log_home() -> str:
    """Return the platform's own place for logs."""
    return os.path.realpath(platformdirs.user_log_dir("dropscribe", appauthor=False))


class Folders(Section):
    """Where things lie; all absolute and resolved."""

    inbox: Folder = Field(default="~/Dropscribe/inbox", validate_default=True)
    outbox: Folder = Field(default="~/Dropscribe/outbox", validate_default=True)
    archive: Folder = Field(default="~/Dropscribe/archive", validate_default=True)
    failed: Folder = Field(default="~/Dropscribe/failed", validate_default=True)
    state: Annotated[str, BeforeValidator(lambda v: state_home() if not v else _folder(v))] = Field(
        default="",
        validate_default=True,  # null means the platform's place
    )


class Intake(Section):
    """What is taken from the inbox, and within which limits."""

    settle: Annotated[Seconds, Field(ge=0.1)] = 2
    patience: Seconds = 60
    rescan: Annotated[Seconds, Field(ge=1)] = 60
    watch: Literal["auto", "native", "poll"] = "auto"
    ignore: tuple[str, ...] = ()
    max_file: Bytes = 500 * 10**6
    max_pixels: Annotated[Count, Field(ge=1)] = 200_000_000
    max_pages: Annotated[Count, Field(ge=1)] = 2000
    decode_timeout: Annotated[Seconds, Field(gt=0)] = 60
    pdf_text: Literal["auto", "never", "always"] = "auto"
    orientation: Annotated[Literal["auto", "off"], _words(on="auto")] = "auto"


class Engine(Section):
    """Who reads, and how long it may take."""

    name: Literal["auto", "deepseek-ocr", "rapidocr"] = "auto"
    model: str = "mlx-community/DeepSeek-OCR-4bit"
    revision: str | None = None
    mode: Literal["tiny", "small", "base", "large", "gundam"] = "gundam"
    prompt: Annotated[str, Field(min_length=1)] = "markdown"
    max_tokens: Annotated[Count, Field(ge=1, le=32768)] = 8192
    vision: Literal["auto", "float32"] = "auto"
    page_timeout: Annotated[Seconds, Field(gt=0)] = 300
    page_budget: Annotated[Seconds, Field(gt=0)] = 720
    attempts: Annotated[Count, Field(ge=1, le=10)] = 3


class Model(Section):
    """How long the model stays."""

    idle_timeout: Annotated[Seconds | None, OrNever] = 300
    trim_after: Annotated[Seconds | None, OrNever] = 30
    prewarm: bool = True
    cache_limit: Bytes = 512 * 10**6
    recycle_pages: Annotated[Annotated[Count, Field(ge=1)] | None, OrNever] = 1000
    recycle_after: Annotated[Annotated[Seconds, Field(gt=0)] | None, OrNever] = 86400
    recycle_growth: Annotated[Bytes | None, OrNever] = 10**9
    stop_grace: Seconds = 20


class Memory(Section):
    """When the model has to go for the sake of the machine."""

    unload_on: Literal["warn", "critical", "never"] = "critical"
    max_percent: Annotated[Percent, Field(ge=1, le=100)] = 85
    budget: Bytes | None = None


class Output(Section):
    """What is written, and what becomes of the original."""

    formats: Annotated[tuple[Format, ...], AfterValidator(_some)] = ("txt",)
    originals: Literal["archive", "keep", "delete"] = "archive"
    conflict: Literal["number", "replace"] = "number"
    reuse: bool = True
    tables: Literal["html", "markdown"] = "html"
    figures: bool = False


class Log(Section):
    """Where and how the log is written."""

    folder: Annotated[str, BeforeValidator(lambda v: log_home() if not v else _folder(v))] = Field(
        default="",
        validate_default=True,  # null means the platform's place
    )
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Notify(Section):
    """Messages on the desktop."""

    when: Literal["never", "failures", "always"] = "never"


class Settings(Section):
    """All settings."""

    folders: Folders = Folders()
    intake: Intake = Intake()
    engine: Engine = Engine()
    model: Model = Model()
    memory: Memory = Memory()
    output: Output = Output()
    log: Log = Log()
    notify: Notify = Notify()


# What pydantic calls things is not what people do.
WORDS = {
    "tuple_type": "must be a list",
    "model_type": "must be a section with settings of its own",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
}
RESTART_KEYS = ("folders", "log.folder", "log.format")  # read at start only


def default_path() -> str:
    """Return where a user's own settings file is looked for."""
    return os.path.join(platformdirs.user_config_dir("dropscribe", appauthor=False), "config.yaml")


def reference_text() -> str:
    """Return the commented reference file, from the installed package or from the source tree."""
    inside = files("dropscribe") / "config.yaml"
    if inside.is_file():
        return inside.read_text("utf-8")
    return (Path(__file__).parents[2] / "config.yaml").read_text("utf-8")


def load(path: str | None) -> Settings:
    """Read and check the settings file at *path*; None, or a default path with no file, gives the defaults.

    Raises `ConfigError` with every fault at once.
    """
    if path is None:
        path = default_path()
        if not os.path.exists(path):
            return checked({}, "the built-in settings")
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8") as file:
            values = _parsed(file.read())
    except OSError as error:
        raise ConfigError(
            [Fault(path, f"cannot be read ({error.strerror})", "give --config the path of a readable file")]
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise ConfigError(
            [Fault(name, f"is not valid YAML: {what}", "compare it with the reference config.yaml")]
        ) from None
    if values is None:
        raise ConfigError(
            [Fault(name, "is empty", "write at least one setting, or remove the file to use the defaults")]
        )
    if not isinstance(values, dict):
        raise ConfigError(
            [Fault(name, f"must be a mapping of sections (got {values!r:.60})", "start with a section: folders:")]
        )
    return checked({key: {} if value is None else value for key, value in values.items()}, name)


def _parsed(text: str) -> object:
    """Return the values in *text*: YAML, or JSON, which is YAML unless it is indented with tabs."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        try:
            return json.loads(text)
        except ValueError:
            pass
        raise


def checked(values: dict[str, Any], name: str) -> Settings:
    """Build settings from plain *values*; *name* says in messages where they came from."""
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        told = [_fault(name, dict(e)) for e in error.errors()]
        faults = list({(fault.where, fault.what): fault for fault in told}.values())
        raise ConfigError(faults + _layout_faults_of_part(values, name)) from None
    if faults := list(_layout_faults(settings, name)):
        raise ConfigError(faults)
    return settings


def _layout_faults_of_part(values: dict[str, Any], name: str) -> list[Fault]:
    """Return the layout's faults although other settings are faulty: all are told at once."""
    try:
        return _layout_faults(Settings(folders=Folders.model_validate(values.get("folders", {}))), name)
    except ValidationError:
        return []


def _fault(name: str, error: dict[str, Any]) -> Fault:
    """Tell one of pydantic's findings in our words."""
    spot = [str(part) for part in error["loc"][:2]]  # section and key; what follows is a place in a list
    key, got = ".".join(spot), f"(got {error['input']!r:.80})"
    if error["type"] in ("extra_forbidden", "invalid_key"):
        near = difflib.get_close_matches(spot[-1], _known(spot[:-1]), n=1)
        remedy = f'did you mean "{near[0]}"?' if near else "known keys: " + ", ".join(_known(spot[:-1]))
        return Fault(f"{name}: {key}", "unknown key", remedy)
    what = WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if error["type"] == "literal_error":
        what = "must be one of " + error["ctx"]["expected"].replace("'", "")
    return Fault(f"{name}: {key}", f"{what} {got}", f"correct it, or remove the line to use {_default(spot)}")


def _known(section: list[str]) -> list[str]:
    model: Any = Settings
    for part in section:
        model = model.model_fields[part].annotation if part in getattr(model, "model_fields", {}) else Section
    return sorted(getattr(model, "model_fields", {}))


def _default(spot: list[str]) -> str:
    for line in _lines_of(reference_text(), spot):
        return line
    return "the default"


def _lines_of(text: str, spot: list[str]) -> list[str]:
    """Return the value that the reference file gives for the key *spot*, as written there."""
    values = yaml.safe_load(text)
    for part in spot:
        values = values.get(part) if isinstance(values, dict) else None
    if values is None or isinstance(values, dict):
        return []
    return [yaml.safe_dump(values, default_flow_style=True).removesuffix("...\n").strip()]


def _layout_faults(settings: Settings, name: str) -> list[Fault]:
    """Return the faults of folders that would feed results back in, overlap, or cover the program's own code."""
    folders = settings.folders.model_dump()
    where = {key: os.path.realpath(path) for key, path in folders.items()}
    faults = []
    for key, path in where.items():
        for other, outer in where.items():
            inside = path == outer or path.startswith(outer.rstrip(os.sep) + os.sep)
            if key != other and inside and not (path == outer and key > other):
                why = "results would be read as new pictures" if other == "inbox" else "their files would mix"
                faults.append(
                    Fault(
                        f"{name}: folders.{key}",
                        f"{path} is {'the same as' if path == outer else 'inside'} folders.{other} {outer}; {why}",
                        f"choose a folder outside folders.{other}",
                    )
                )
    log, inbox = os.path.realpath(settings.log.folder), where["inbox"]
    if log == inbox or log.startswith(inbox.rstrip(os.sep) + os.sep):
        what = f"{log} is inside folders.inbox {inbox}; the log would be read as new work"
        faults.append(Fault(f"{name}: log.folder", what, "choose a folder outside folders.inbox"))
    code = os.path.realpath(os.path.dirname(__file__))
    for key, path in where.items():
        for covered in (code, os.path.realpath(sys.prefix)):
            if covered == path or covered.startswith(path.rstrip(os.sep) + os.sep):
                faults.append(
                    Fault(
                        f"{name}: folders.{key}",
                        f"{path} holds Dropscribe's own program {covered}",
                        "choose a folder of its own",
                    )
                )
                break
    return faults


def restart_needed(running: Settings, saved: Settings) -> list[str]:
    """Return the keys that differ but are read at start only."""
    now, new = running.model_dump(), saved.model_dump()

    def pick(values: dict[str, Any], key: str) -> Any:
        for part in key.split("."):
            values = values[part]
        return values

    return [key for key in RESTART_KEYS if pick(now, key) != pick(new, key)]
