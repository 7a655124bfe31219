"""Values of the host: what is known of a worker and of the jobs in its hands, and what happened to them."""

from dataclasses import dataclass, field

from dropscribe.core.errors import Reason
from dropscribe.core.job import Order, Outcome
from dropscribe.core.protocol import Loading
from dropscribe.core.status import MlxMemory, RemoteStatus


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
    """A job has ended, one way or another."""

    order: Order
    outcome: Outcome


@dataclass(frozen=True)
class Died:
    """The worker died, or had to be ended, with this job in hand; a *suspect* was not the only one."""

    order: Order
    reason: Reason
    detail: str
    suspect: bool = False


@dataclass(frozen=True)
class Unable:
    """The worker cannot load for a reason that lasts."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Gone:
    """The worker is gone and its memory with it.

    `peak_bytes` is the highest footprint seen in its life; None where it never became ready: an aborted load says
    nothing about what a reading needs.
    """

    unload: Unload
    model: str  # as in `registry.peak_key`
    peak_bytes: int | None


Event = Finished | Died | Unable | Gone


@dataclass
class PageClock:
    """A page in the engine's hands: monotonic seconds by which slow is told from stuck."""

    page_since: float  # of all attempts
    attempt_since: float
    tokens: int = 0


@dataclass
class ActiveJob:
    """A job in the worker's hands."""

    order: Order
    since: float  # monotonic: when it was given
    suspect: bool = False  # it must be read alone
    begun: bool = False  # the worker has opened it: only then can it be to blame
    pages: int = 0  # 0 until it is known
    done: int = 0  # pages that have their text
    page: int = 0  # the last page an engine began
    clocks: dict[int, PageClock] = field(default_factory=dict)  # by page number

    @property
    def read(self) -> bool:
        """Say whether every page has its text: what is left is to write the outputs."""
        return 0 < self.pages <= self.done

    @property
    def tokens(self) -> int:
        """Tokens of the pages in the engine's hands."""
        return sum(clock.tokens for clock in self.clocks.values())


@dataclass
class WorkerStats:
    """What is known of the worker at hand."""

    pid: int
    model: str  # as in `registry.peak_key`
    loading: Loading | None = None
    loaded_at: float | None = None  # wall clock
    ready_at: float | None = None  # monotonic
    width: int = 1  # pages that the engine likes to have at once
    engine_model: str | None = None
    pages_read: int = 0
    idle_since: float | None = None  # monotonic
    trimmed: bool = False
    footprint: int | None = None
    settled_footprint: int | None = None  # at rest after the first pages: growth is judged against it
    peak: int | None = None
    mlx: MlxMemory | None = None
    servers: list[RemoteStatus] = field(default_factory=list)

    @property
    def step(self) -> str | None:
        """What a load is doing; None when it is over."""
        return self.loading.step if self.loading is not None else None
