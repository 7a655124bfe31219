"""Values of the host: what is told about a worker, and what happened to it."""

from dataclasses import dataclass, field

from dropscribe.core.errors import Reason
from dropscribe.core.job import Order, Outcome


@dataclass
class Unload:
    """What an unload gave back, in bytes; None where it could not be measured."""

    at: float  # wall clock
    reason: str  # idle | pressure | command | recycle | settings | stop | crash
    footprint_bytes: int | None = None  # of the worker just before
    released_bytes: int | None = None  # given back by the release inside the process
    residue_bytes: int | None = None  # what only its end returned
    available_gain_bytes: int | None = None  # of the machine, observed for up to 10 s
    seconds: float | None = None  # from the decision to the end of the process
    how: str = "exit"  # exit | term | kill


@dataclass(frozen=True)
class Finished:
    """The job in hand has ended, one way or another."""

    order: Order
    outcome: Outcome


@dataclass(frozen=True)
class Died:
    """The worker died, or had to be ended, with this job in hand."""

    order: Order
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Unable:
    """The worker cannot load for a reason that lasts."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Gone:
    """The worker is gone and its memory with it; `peak_bytes` is the highest footprint seen in its life."""

    unload: Unload
    model: str  # as in `registry.peak_key`
    peak_bytes: int | None


Event = Finished | Died | Unable | Gone


@dataclass
class ActiveJob:
    """The job in hand, with the moments by which slow is told from stuck (monotonic seconds)."""

    order: Order
    since: float
    taken_up: bool = False  # the worker has begun with it
    page: int = 0
    pages: int = 0
    tokens: int = 0
    quiet_since: float = 0.0  # the last sign of life outside decoding and attempts
    decoding_since: float | None = None
    page_since: float | None = None
    attempt_since: float | None = None
    stopping_since: float | None = None
    making_way: int = 0  # 1: asked to, if it is long; 2: at any page


@dataclass
class WorkerStats:
    """What is known of the worker at hand."""

    pid: int
    model: str  # as in `registry.peak_key`
    loaded_at: float | None = None  # wall clock
    ready_at: float | None = None  # monotonic
    step: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None
    pages_read: int = 0
    idle_since: float | None = None  # monotonic
    trimmed: bool = False
    footprint: int | None = None
    footprint_after_load: int | None = None
    peak: int | None = None
    mlx: dict[str, int] | None = None
    info: dict[str, str | None] = field(default_factory=dict)
