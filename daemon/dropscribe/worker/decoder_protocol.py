"""What the worker and the processes of its decoders say to each other: values only, one tagged Struct a message.

A decoder opens nothing by name: what it is to read or write comes as open descriptors beside the message.
"""

from msgspec import Struct

from dropscribe.core.errors import Reason
from dropscribe.core.pages import Block, EngineInfo, Source

MOST_DESCRIPTORS = 2  # beside one message

# -- what the worker asks


class Open(Struct, tag=True, frozen=True):
    """Open the document behind the descriptor; *name* only helps to say what a strange file is."""

    name: bytes
    settings: dict[str, object]


class NextPage(Struct, tag=True, frozen=True):
    """Rasterise the next page, leaving out those in *skip* (looked at with the first one)."""

    skip: frozenset[int] = frozenset()


class Collect(Struct, tag=True, frozen=True):
    """The document is read. With it come the kept pages, and a nameless file for what is too long for memory."""

    source: Source
    engine: EngineInfo
    created: str
    seconds: float
    reused: bool
    review: bool
    as_pdf: bool  # among other formats


class NextFigure(Struct, tag=True, frozen=True):
    """Cut out the next figure."""


class Render(Struct, tag=True, frozen=True):
    """Write the document in *format* into the file that comes along; *figures* are the suffixes of their files."""

    format: str
    stem: bytes
    figures: tuple[str, ...]


Request = Open | NextPage | Collect | NextFigure | Render

# -- what it answers


class Started(Struct, tag=True, frozen=True):
    """The process is there."""

    pid: int


class Opened(Struct, tag=True, frozen=True):
    """The document is open."""

    media_type: str
    count: int


class PageReady(Struct, tag=True, frozen=True):
    """A page, whose pixels are in the shared memory; the fields of `Page` beside them."""

    number: int
    width: int
    height: int
    rotation: int
    dpi: float | None
    from_pdf: bool
    text: str | None
    blocks: tuple[Block, ...]
    blank: bool
    flags: tuple[str, ...]
    samples: tuple[tuple[Block, ...], ...]


class Collected(Struct, tag=True, frozen=True):
    """The texts are there; what is to be said of the outputs, for log and status."""

    remarks: tuple[str, ...] = ()


class FigureReady(Struct, tag=True, frozen=True):
    """The figure number *index* of a page, a JPEG file of *size* bytes in the shared memory."""

    page: int
    index: int
    size: int


class Done(Struct, tag=True, frozen=True):
    """What was asked for is done, or nothing more is left of it."""


class Fault(Struct, tag=True, frozen=True):
    """It cannot be done; with *trace*, for the log, by a fault of this program."""

    reason: Reason
    detail: str
    trace: str = ""


Response = Started | Opened | PageReady | Collected | FigureReady | Done | Fault
