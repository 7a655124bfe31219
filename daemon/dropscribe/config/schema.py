"""The settings themselves: sections, names, bounds and defaults. How values are written is in `kinds`.

Every default lives here and, told to people, in `config.yaml`; a test holds the two equal. msgspec and not pydantic:
the daemon is to be small while it is idle, and pydantic alone takes some 10 MB.
"""

import os
from typing import Annotated, Any, Literal, get_args

import platformdirs
from msgspec import Meta, Struct, field

from dropscribe.config.addresses import URLS
from dropscribe.config.home import home, place
from dropscribe.config.kinds import (
    AUTO_OR_OFF,
    COMMAND,
    DURATION,
    LANGUAGES,
    LONGEST,
    NUMBER,
    OWNERS,
    Bytes,
    BytesOrNever,
    BytesOrNull,
    Count,
    CountOrNever,
    FileOrNull,
    Folder,
    Seconds,
    SecondsOrNever,
    SomeSeconds,
    SomeSecondsOrNever,
    Switch,
    resolved_folder_or,
)

Format = Literal["txt", "md", "json", "hocr", "alto", "pdf"]
# What a recipe may change of the engine: how it is asked, not which one is loaded.
RECIPE_ENGINE = frozenset({"mode", "prompt", "max_tokens", "cross_check", "page_timeout", "page_budget"})
RECIPE_SECTIONS = ("intake", "engine", "output", "hooks")
FORMATS: tuple[str, ...] = get_args(Format)
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


def state_home() -> str:
    """Return the platform's own place for the journal, the lock and the socket."""
    return os.path.realpath(place(platformdirs.user_state_dir))


def log_home() -> str:
    """Return the platform's own place for logs."""
    return os.path.realpath(place(platformdirs.user_log_dir))


def _at_home(name: str) -> Any:
    return field(default_factory=lambda: os.path.abspath(os.path.join(home(), "Dropscribe", name)))


class Folders(Struct, frozen=True):
    """Where things lie; all absolute. Links in `state` are resolved once, in the others at every access."""

    inbox: Folder = _at_home("inbox")
    outbox: Folder = _at_home("outbox")
    archive: Folder = _at_home("archive")
    failed: Folder = _at_home("failed")
    state: Annotated[str, resolved_folder_or(state_home)] = field(default_factory=state_home)


class Intake(Struct, frozen=True):
    """What is taken from the inbox, and within which limits."""

    stable_for: Annotated[float, DURATION, Meta(ge=0.1, le=LONGEST)] = 2
    incomplete_timeout: Seconds = 60
    recheck_for: Seconds = 300
    rescan_interval: Annotated[float, DURATION, Meta(ge=1, le=LONGEST)] = 60
    watch: Literal["auto", "native", "poll"] = "auto"
    ignore: tuple[str, ...] = ()
    trusted_owners: Annotated[tuple[str, ...] | Literal["any"], OWNERS] = ()
    max_file: Bytes = 500 * 10**6
    max_pixels: Count = 200_000_000
    max_pages: Count = 2000
    decode_timeout: SomeSeconds = 60
    sandbox: Annotated[Literal["auto", "off"], AUTO_OR_OFF] = "auto"
    pdf_text: Literal["auto", "never", "always"] = "auto"
    orientation: Annotated[Literal["auto", "off"], AUTO_OR_OFF] = "auto"


class Remote(Struct, frozen=True):
    """Servers that read pages, where the engine is `remote`."""

    url: Annotated[tuple[str, ...], URLS] = ()
    model: Annotated[str, Meta(min_length=1)] | None = None
    label: Annotated[str, Meta(min_length=1)] | None = None
    key_file: FileOrNull = None
    ca: FileOrNull = None
    in_flight: Annotated[int, NUMBER, Meta(ge=1, le=256)] = 16
    image: Literal["png", "jpeg"] = "png"
    first_byte_timeout: SomeSeconds = 120
    silence_timeout: SomeSeconds = 60
    extra: dict[str, Any] = {}
    unload: Switch = False


class Engine(Struct, frozen=True):
    """Who reads, and how long it may take."""

    name: Literal["auto", "deepseek-ocr", "rapidocr", "remote"] = "auto"
    model: Annotated[str, Meta(min_length=1)] = "mlx-community/DeepSeek-OCR-4bit"
    revision: str | None = None
    mode: Literal["tiny", "small", "base", "large", "gundam"] = "gundam"
    prompt: Annotated[str, Meta(min_length=1)] = "markdown"
    max_tokens: Annotated[int, NUMBER, Meta(ge=1, le=32768)] = 8192
    vision_precision: Literal["auto", "float32"] = "auto"
    languages: Annotated[tuple[str, ...] | Literal["auto"], LANGUAGES] = "auto"
    pages_at_once: Literal["auto"] | Annotated[int, Meta(ge=1, le=64)] = "auto"
    cross_check: Annotated[Literal["auto", "off"], AUTO_OR_OFF] = "auto"
    remote: Remote = field(default_factory=Remote)
    page_timeout: SomeSeconds = 300
    page_budget: SomeSeconds = 720
    attempts: Annotated[int, NUMBER, Meta(ge=1, le=10)] = 3


class Model(Struct, frozen=True):
    """How long the model stays."""

    idle_timeout: SecondsOrNever = 300
    clear_cache_after: SecondsOrNever = 30
    prewarm: Switch = True
    cache_limit: Bytes = 512 * 10**6
    recycle_pages: CountOrNever = 1000
    recycle_after: SomeSecondsOrNever = 86400
    recycle_growth: BytesOrNever = 10**9
    shutdown_grace: Seconds = 20


class Memory(Struct, frozen=True):
    """When the model has to go for the sake of the machine."""

    unload_on: Literal["warn", "critical", "never"] = "critical"
    max_percent: Annotated[float, NUMBER, Meta(ge=1, le=100)] = 85
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
    pdf_actions: Literal["strip", "keep"] = "strip"


class Hooks(Struct, frozen=True):
    """Commands that run after a file is done or failed: words, not for a shell."""

    done: Annotated[tuple[str, ...], COMMAND] = ()
    failed: Annotated[tuple[str, ...], COMMAND] = ()
    timeout: SomeSeconds = 60


class RecipeSection(Struct, frozen=True, kw_only=True):
    """Another inbox, and what is different there. What is left out is as it is without a recipe; see `recipes`."""

    inbox: Folder
    outbox: Folder | Literal["beside"] | None = None
    archive: Folder | None = None
    failed: Folder | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    intake: dict[str, Any] = {}
    engine: dict[str, Any] = {}
    output: dict[str, Any] = {}
    hooks: dict[str, Any] = {}


class Log(Struct, frozen=True):
    """Where and how the log is written."""

    folder: Annotated[str, resolved_folder_or(log_home)] = field(default_factory=log_home)
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
    hooks: Hooks = field(default_factory=Hooks)
    recipes: dict[str, RecipeSection] = {}
    log: Log = field(default_factory=Log)
    notify: Notify = field(default_factory=Notify)
