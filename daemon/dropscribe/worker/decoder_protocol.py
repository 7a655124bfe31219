"""What the worker and the processes of its decoders say to each other: values only, one tagged Struct a message."""

from msgspec import Struct

from dropscribe.core.errors import Reason
from dropscribe.core.pages import Block, EngineInfo, Source

# -- what the worker asks


class Open(Struct, tag=True, frozen=True):
    """Open the document behind the descriptor; *name* only helps to say what a strange file is."""

    name: bytes
    settings: dict[str, object]


class NextPage(Struct, tag=True, frozen=True):
    """Rasterise the next page, leaving out those in *skip* (looked at with the first one)."""

    skip: frozenset[int] = frozenset()


class Render(Struct, tag=True, frozen=True):
    """Write the document in *formats* into the staging folder; its texts are in the page cache."""

    source: Source
    engine: EngineInfo
    cache_folder: str
    cache_name: str
    formats: tuple[str, ...]
    staging: bytes
    stem: bytes
    created: str
    seconds: float
    reused: bool
    review: bool


Request = Open | NextPage | Render

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


class Rendered(Struct, tag=True, frozen=True):
    """Every output is written; suffixes of the files, and what is to be said of them."""

    staged: tuple[str, ...]
    remarks: tuple[str, ...] = ()


class Fault(Struct, tag=True, frozen=True):
    """It cannot be done."""

    reason: Reason
    detail: str


Response = Started | Opened | PageReady | Rendered | Fault
