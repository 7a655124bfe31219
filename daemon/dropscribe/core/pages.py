"""Values that pass between documents, engines and formats inside the worker: pages in, text out.

Nothing here reads a file or an image; `Page.image` is only carried.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dropscribe.core.errors import Reason

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels of the upright page, origin top left

# Flags that ask for a human look.
DOUBTFUL = frozenset({"loop", "length", "empty", "partial", "disagree", "low-confidence", "unread"})


class PageKey(NamedTuple):
    """Which page of which document in hand."""

    document: int  # the number of its job
    number: int  # from 1


@dataclass(frozen=True)
class Block:
    """A piece of a page in reading order: a line (rapidocr) or a region (deepseek-ocr)."""

    label: str  # text, title, table, image, ...; an open set
    text: str
    box: Box | None
    confidence: float | None = None  # 0 to 1; None where the engine gives none


@dataclass(frozen=True)
class Attempt:
    """One try of an engine at one page."""

    mode: str
    prompt: str
    tokens: int
    seconds: float
    end: str  # stop | length | loop | empty | timeout | error


@dataclass(frozen=True)
class Passage:
    """A stretch of text that two readers of a page do not share, and where it stands, where that is known."""

    text: str
    box: Box | None


@dataclass(frozen=True)
class Check:
    """A page's text beside what a second reader reads there; without a *reader* none could judge it."""

    reader: str | None
    agreement: float | None  # 0 to 1; None without a reader
    unconfirmed: tuple[Passage, ...] = ()  # said, and not seen by the second reader
    missing: tuple[Passage, ...] = ()  # seen by the second reader with confidence, and not said

    @property
    def disagrees(self) -> bool:
        """Whether a person should compare the text with the page."""
        return bool(self.unconfirmed or self.missing)


@dataclass(frozen=True)
class Page:
    """One upright page ready to be read.

    `image` is RGB, flattened on a contrasting ground, EXIF and page rotation already applied. `rotation` is the
    further clockwise turn, in degrees, that was applied to set it upright. `text` is the document's own text where
    that is to be used instead of reading pixels (then `blocks` holds its lines); without it `blocks` are lines of its
    own on a page with more to read. `samples` are a few words of each font, to be compared with their pixels before
    any of that is believed. `blank` pages hold no ink at all.
    """

    number: int  # from 1
    image: "Image"
    rotation: int = 0  # 0, 90, 180 or 270
    dpi: float | None = None
    from_pdf: bool = False
    text: str | None = None
    blocks: tuple[Block, ...] = ()
    blank: bool = False
    flags: tuple[str, ...] = ()
    document: int = 0  # the number of the job that it belongs to
    samples: tuple[tuple[Block, ...], ...] = ()
    settings: Any = None  # those of its file (`config.Settings`); None: the engine's own

    @property
    def key(self) -> PageKey:
        """Which page this is, among all documents in hand."""
        return PageKey(self.document, self.number)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.image.height


@dataclass(frozen=True)
class PageText:
    """What was read on one page."""

    number: int
    width: int
    height: int
    text: str
    markdown: str
    blocks: tuple[Block, ...] = ()
    rotation: int = 0
    text_source: str = "ocr"  # ocr | pdf | blank
    flags: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    seconds: float = 0.0
    document: int = 0  # the number of the job that it belongs to
    check: Check | None = None  # where a second reader looked at it

    @property
    def key(self) -> PageKey:
        """Which page this is, among all documents in hand."""
        return PageKey(self.document, self.number)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, in the order of the published schema."""
        values = asdict(self)
        del values["document"]  # whose page it is says the file around it
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "PageText":
        """Build from `as_dict`'s values (as JSON gives them back)."""
        blocks = tuple(
            Block(b["label"], b["text"], tuple(b["box"]) if b["box"] else None, b["confidence"])
            for b in values["blocks"]
        )
        attempts = tuple(Attempt(**a) for a in values["attempts"])
        known = {"blocks": blocks, "attempts": attempts, "flags": tuple(values["flags"])}
        return cls(**{**values, **known, "check": _check(values.get("check"))})


def _check(values: dict[str, Any] | None) -> Check | None:
    if values is None:
        return None
    passages = {
        kind: tuple(Passage(p["text"], tuple(p["box"]) if p["box"] else None) for p in values[kind])
        for kind in ("unconfirmed", "missing")
    }
    return Check(values["reader"], values["agreement"], **passages)


@dataclass(frozen=True)
class PageFailure:
    """A page that an engine could not read; its neighbours are read all the same."""

    key: PageKey
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Source:
    """The file that was read."""

    name: str  # path below the inbox, for display
    sha256: str
    size: int  # bytes
    media_type: str
    pages: int


@dataclass(frozen=True)
class EngineInfo:
    """Which engine read it."""

    name: str
    model: str
    revision: str | None
    version: str


def _temporary() -> IO[bytes]:
    from tempfile import TemporaryFile  # with what it imports, 2 MB: not the daemon's

    return TemporaryFile()


Target = str | int  # where an output is written: a path, or the descriptor of a file that is open, and stays so


@dataclass(frozen=True)
class Hidden:
    """The text on a page of a PDF that nobody can see, by the places of its objects in the order of drawing."""

    objects: int = 0  # that draw text, those in forms included
    whole: frozenset[int] = frozenset()  # of which nothing is seen
    partly: bool = False  # others hide some of their words


@dataclass(frozen=True)
class DocumentResult:
    """A whole document that was read: what every output format is rendered from.

    `texts` may be walked several times and yields pages in order, one at a time, from disk if need be. `images`
    decodes the upright pages again (for formats that show them); `file` is a path to the bytes that were read.
    `hidden` says of a page, by its number, what text of its own cannot be seen. With `strip_actions` a PDF is written
    without scripts and the like.
    `scratch` opens a new nameless file for what is too long for memory.
    """

    source: Source
    engine: EngineInfo
    texts: Iterable[PageText]
    images: Callable[[], Iterator[Page]]
    file: str
    created: str  # ISO 8601, UTC
    seconds: float
    reused: bool
    review: bool
    hidden: Callable[[int], Hidden] = lambda number: Hidden()
    strip_actions: bool = False
    scratch: Callable[[], IO[bytes]] = _temporary
