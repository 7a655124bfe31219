"""What `status --json` shows: every key is always present, null where something is unknown. Values only."""

from msgspec import Struct, field

from dropscribe import __version__


class MlxMemory(Struct, frozen=True):
    """MLX's own figures, in bytes."""

    active: int
    cache: int
    peak: int


class LoadStatus(Struct, kw_only=True):
    """How far a load is; bytes only where there are any to count."""

    step: str
    done_bytes: int | None = None
    total_bytes: int | None = None


class DaemonStatus(Struct, kw_only=True):
    """The daemon itself."""

    running: bool = False
    pid: int | None = None
    version: str = __version__
    started: str | None = None
    config: str | None = None
    config_error: str | None = None
    restart_needed: list[str] | None = None
    agent: bool | None = None
    watch: str | None = None
    inbox_online: bool | None = None
    engine: str | None = None
    engine_reason: str | None = None


class UnloadStatus(Struct, kw_only=True):
    """What the last unload gave back, in bytes."""

    at: str | None = None
    reason: str | None = None
    footprint_bytes: int | None = None
    released_bytes: int | None = None
    residue_bytes: int | None = None
    available_gain_bytes: int | None = None
    seconds: float | None = None
    how: str | None = None


class ModelStatus(Struct, kw_only=True):
    """The model and its worker."""

    state: str = "cold"
    name: str | None = None
    pid: int | None = None
    loaded_at: str | None = None
    load: LoadStatus | None = None
    footprint_bytes: int | None = None
    mlx: MlxMemory | None = None
    pages_read: int | None = None
    idle_seconds: float | None = None
    unload_in_seconds: float | None = None
    blocked_reason: str | None = None
    last_unload: UnloadStatus | None = None


class MemoryStatus(Struct, kw_only=True):
    """The machine's memory."""

    pressure: str = "unknown"
    available_bytes: int | None = None
    percent: float | None = None


class QueueStatus(Struct, kw_only=True):
    """How many files stand where; null where no journal can be read."""

    settling: int | None = None
    queued: int | None = None
    running: int | None = None
    written: int | None = None
    rejected: int | None = None
    done: int | None = None
    failed: int | None = None
    gone: int | None = None
    left_alone: int | None = None  # in the inboxes, and no files
    paused: bool = False
    paused_reason: str | None = None
    archive_error: str | None = None  # why an original could not be moved yet


class ActiveStatus(Struct, kw_only=True):
    """A file that is being read."""

    id: int
    name: str
    recipe: str | None = None
    page: int = 0
    pages: int = 0
    seconds: float = 0.0
    tokens: int = 0


class RecentStatus(Struct, kw_only=True):
    """A file that is over."""

    id: int
    name: str
    recipe: str | None = None
    state: str = ""
    reason: str | None = None
    detail: str | None = None  # why it failed; of one that was read, a remark such as "no text found"
    seconds: float | None = None
    review: bool | None = None
    original: str | None = None
    outputs: list[str] = []
    ended: str | None = None


class LastHook(Struct, kw_only=True):
    """The hook that ran last."""

    name: str  # of the file
    state: str  # done | failed
    command: str
    exit: int | None  # 128 and its number for a signal; null where it could not begin
    message: str  # its last line on standard error
    seconds: float
    at: str | None = None


class FailingHook(LastHook, kw_only=True):
    """The last run of a hook that has failed and not succeeded since."""

    recipe: str | None = None


class HookStatus(Struct, kw_only=True):
    """The user's commands after files."""

    waiting: int = 0
    last: LastHook | None = None
    failing: list[FailingHook] = []


class RemoteStatus(Struct, kw_only=True, frozen=True):
    """A server that pages are sent to."""

    url: str
    host: str
    kind: str | None = None  # its software
    model: str | None = None
    in_flight: int = 0
    waiting_seconds: float | None = None  # until an answer begins
    state: str | None = None  # up | out; None while no engine is loaded
    error: str | None = None  # why it is out


class WaitingStatus(Struct, kw_only=True):
    """A file in the inbox that is not a job yet."""

    name: str
    waiting_for: str
    recipe: str | None = None


class LeftAloneStatus(Struct, kw_only=True):
    """What lies in an inbox and is never taken."""

    name: str
    what: str  # a link | a pipe | a socket | a device
    recipe: str | None = None


class RecipeStatus(Struct, kw_only=True):
    """An inbox with ways of its own."""

    name: str
    inbox: str
    inbox_online: bool
    watch: str
    paused_reason: str | None = None  # what its files wait for, while others go on


class HistorySample(Struct, frozen=True):
    """What model, memory and queue were like at a time."""

    time: float  # wall clock, seconds
    state: str  # of the model
    footprint_bytes: int | None  # of the worker
    available_bytes: int | None
    queued: int


class HistoryMark(Struct, frozen=True):
    """A load or an unload that began."""

    time: float  # wall clock, seconds
    what: str  # loading | unloading
    reason: str | None = None  # of an unload


class Status(Struct, kw_only=True):
    """All of `status --json`."""

    daemon: DaemonStatus = field(default_factory=DaemonStatus)
    model: ModelStatus = field(default_factory=ModelStatus)
    memory: MemoryStatus = field(default_factory=MemoryStatus)
    queue: QueueStatus = field(default_factory=QueueStatus)
    current: ActiveStatus | None = None
    active: list[ActiveStatus] = []
    recent: list[RecentStatus] = []
    remote: list[RemoteStatus] = []
    intake: list[WaitingStatus] = []
    left_alone: list[LeftAloneStatus] = []
    recipes: list[RecipeStatus] = []
    hooks: HookStatus = field(default_factory=HookStatus)
