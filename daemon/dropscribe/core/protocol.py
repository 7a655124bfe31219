"""What the processes say to each other: daemon and worker, client and daemon. Values only, one tagged Struct a message.

Worker messages travel as MessagePack behind a length (see `framing`), control requests and answers as lines of JSON.
A worker says first which version it is: a daemon that runs on after an upgrade of its files must not guess.
"""

from typing import Any

from msgspec import Struct

from dropscribe import __version__
from dropscribe.core.errors import Reason
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import EngineInfo
from dropscribe.core.status import HistoryMark, HistorySample, MlxMemory, RemoteStatus, Status

# -- daemon to worker


class Load(Struct, tag=True, frozen=True):
    """Create the engine and load it."""

    engine: str
    settings: dict[str, Any]  # plain values, as in the settings file
    state: bytes  # the state folder


class Configure(Struct, tag=True, frozen=True):
    """Take over changed settings that need no new load."""

    settings: dict[str, Any]


class Read(Struct, tag=True, frozen=True):
    """Read one file."""

    order: Order


class Drop(Struct, tag=True, frozen=True):
    """Nobody wants this job any more: no further page of it."""

    job: int
    claim: int


class Drain(Struct, tag=True, frozen=True):
    """Finish the pages that the engine has, and hand everything else back."""


class Stop(Struct, tag=True, frozen=True):
    """Stop between two tokens, and hand everything back."""


class Trim(Struct, tag=True, frozen=True):
    """Give caches back, keep the weights."""


class Unload(Struct, tag=True, frozen=True):
    """Release everything, report, and exit when the connection closes."""


ToWorker = Load | Configure | Read | Drop | Drain | Stop | Trim | Unload

# -- worker to daemon


class Hello(Struct, tag=True, frozen=True):
    """The first message of a worker."""

    version: str = __version__


class Loading(Struct, tag=True, frozen=True):
    """How far a load is."""

    step: str
    done_bytes: int | None = None
    total_bytes: int | None = None


class Estimate(Struct, tag=True, frozen=True):
    """Bytes that the engine expects to need."""

    bytes: int


class Ready(Struct, tag=True, frozen=True):
    """The model is loaded; `width` is how many pages the engine likes to have at once."""

    info: EngineInfo
    width: int = 1
    mlx: MlxMemory | None = None


class Unable(Struct, tag=True, frozen=True):
    """The model cannot be loaded, for a reason that lasts."""

    reason: Reason
    detail: str


class Opened(Struct, tag=True, frozen=True):
    """A document has been begun; `pages` is 0 until it is known."""

    job: int
    claim: int
    pages: int = 0


class Attempt(Struct, tag=True, frozen=True):
    """An engine begins an attempt at a page."""

    job: int
    page: int
    mode: str


class Tokens(Struct, tag=True, frozen=True):
    """Tokens (or lines) of the attempt under way at a page."""

    job: int
    page: int
    count: int


class PageDone(Struct, tag=True, frozen=True):
    """A page has its text, or has failed; `read` says whether an engine read it."""

    job: int
    page: int
    read: bool = True
    mlx: MlxMemory | None = None


class Ended(Struct, tag=True, frozen=True):
    """A job has ended, one way or another."""

    outcome: Outcome
    mlx: MlxMemory | None = None


class Servers(Struct, tag=True, frozen=True):
    """How the servers are that pages are sent to."""

    servers: list[RemoteStatus]


class Warned(Struct, tag=True, frozen=True):
    """What a careful user would want to know of the engine, or where a fault of this program came from."""

    text: str


class Trimmed(Struct, tag=True, frozen=True):
    """Caches are gone."""

    mlx: MlxMemory | None = None


class Released(Struct, tag=True, frozen=True):
    """Everything has been released inside the process; the daemon may measure, then hang up."""

    before: MlxMemory | None = None
    mlx: MlxMemory | None = None


ToDaemon = (
    Hello
    | Loading
    | Estimate
    | Ready
    | Unable
    | Opened
    | Attempt
    | Tokens
    | PageDone
    | Ended
    | Servers
    | Warned
    | Trimmed
    | Released
)

# -- control requests


class StatusRequest(Struct, tag_field="command", tag="status"):
    """What is the daemon doing?"""


class PauseRequest(Struct, tag_field="command", tag="pause"):
    """Read nothing until resumed."""


class ResumeRequest(Struct, tag_field="command", tag="resume"):
    """Go on reading."""


class UnloadRequest(Struct, tag_field="command", tag="unload"):
    """Let the model go after the current pages."""


class RetryRequest(Struct, tag_field="command", tag="retry"):
    """Move failed files back into the inbox; all of them, without names."""

    names: list[str] = []


class ReadRequest(Struct, tag_field="command", tag="read"):
    """Read a file that is not in the inbox; answered when it is read."""

    path: str
    formats: tuple[str, ...] = ("txt",)
    prompt: str | None = None  # in place of engine.prompt
    recipe: str | None = None  # by whose settings


class FolderRequest(Struct, tag_field="command", tag="agent-probe"):
    """Which folders may the daemon itself list?"""


class HistoryRequest(Struct, tag_field="command", tag="history"):
    """What were model, memory and queue like over the last day?"""


ControlRequest = (
    StatusRequest
    | PauseRequest
    | ResumeRequest
    | UnloadRequest
    | RetryRequest
    | ReadRequest
    | FolderRequest
    | HistoryRequest
)


class Answer(Struct, kw_only=True):
    """What every answer says; with `ok` false, `error` and `remedy` say why and what to try."""

    ok: bool = True
    error: str | None = None
    remedy: str | None = None
    reason: str | None = None  # as in `Reason`

    def fail(self, error: str, remedy: str | None = None) -> None:
        """Turn this into a refusal."""
        self.ok, self.error, self.remedy = False, error, remedy


class RetryAnswer(Answer, kw_only=True):
    """Which files came back, which names mean none, and what went wrong with single files."""

    moved: list[str] = []
    missing: list[str] = []
    faults: list[str] = []


class ReadAnswer(Answer, kw_only=True):
    """The files with the text of what was read, by suffix; they go when the client hangs up."""

    files: dict[str, str] = {}
    pages: int = 0
    seconds: float = 0.0
    review: bool = False
    remarks: list[str] = []  # such as which pages a person should look at


class FolderAnswer(Answer, kw_only=True):
    """What listing each folder gave: `ok`, or the system's words."""

    folders: dict[str, str] = {}


class StatusAnswer(Answer, kw_only=True):
    """The status of a running daemon."""

    status: Status | None = None


class HistoryAnswer(Answer, kw_only=True):
    """Samples of at least the last 24 hours of this daemon, coarser with age, oldest first; and loads and unloads."""

    samples: list[HistorySample] = []
    marks: list[HistoryMark] = []
