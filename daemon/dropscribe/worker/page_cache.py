"""Finished pages on disk, keyed by content and settings: a crash at page 180 repeats no page, nor does a second copy.

One file of JSON lines for a document, appended page by page; a line torn by a crash is ignored, and nothing is ever cut
off: another copy of the same content, or the process that renders it, may look at the file while a page is added. The
folder is bounded, the longest unused go first. Lives in the worker; the daemon only sweeps what a job has left.
"""

import contextlib
import glob
import json
import os
from collections.abc import Iterator
from typing import BinaryIO

from dropscribe.config import Settings
from dropscribe.core.pages import EngineInfo, PageText

LARGEST = 200 * 10**6  # bytes of all kept pages together


def key(sha256: str, engine: EngineInfo, settings: Settings, job: int | None) -> str:
    """Return the name under which pages of this content, read with these settings, are kept.

    With *job* the pages serve that job only (`output.cache: false`).
    """
    import hashlib  # OpenSSL's, 2 MB: the worker's alone

    wanted = {
        "content": sha256,
        "engine": [engine.name, engine.model, engine.revision, engine.version],
        "reading": [
            settings.engine.mode,
            settings.engine.prompt,
            settings.engine.max_tokens,
            settings.engine.vision_precision,
            settings.engine.languages,
            None if engine.name == "rapidocr" else settings.engine.cross_check,
        ],
        "intake": [settings.intake.pdf_text, settings.intake.orientation],
        "tables": settings.output.tables,
        "line_breaks": settings.output.line_breaks,
        "figures": settings.output.figures,
        "job": job,
    }
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:40]
    return digest if job is None else f"job{job}-{digest}"


def folder_of(state: str) -> str:
    """Return where pages are kept."""
    return os.path.join(state, "pages")


def forget_job(state: str, job: int) -> None:
    """Remove the pages that served *job* only: it is over."""
    for path in glob.glob(os.path.join(glob.escape(folder_of(state)), f"job{job}-*.jsonl")):
        _unlink(path)


class PageCache:
    """The kept pages of one document."""

    def __init__(self, folder: str, name: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._folder = folder
        self._path = os.path.join(folder, f"{name}.jsonl")
        self._places: dict[int, int] = {}
        self._find()

    def _find(self) -> None:
        """Note where each page's line begins."""
        if not os.path.exists(self._path):
            return
        with open(self._path, "rb") as file:
            self._places = _places(file)
        os.utime(self._path)

    @property
    def finished(self) -> frozenset[int]:
        """The numbers of the pages that are kept."""
        return frozenset(self._places)

    def add(self, page: PageText) -> None:
        """Keep a page; raise `OSError` when there is no room for it."""
        with open(self._path, "a+b", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            place = file.seek(0, os.SEEK_END)
            if place and os.pread(file.fileno(), 1, place - 1) != b"\n":
                place += file.write(b"\n")  # the line before was torn
            file.write(json.dumps(page.as_dict()).encode("ascii") + b"\n")
        self._places[page.number] = place

    def __iter__(self) -> Iterator[PageText]:
        """Yield the kept pages in order, one at a time; may be walked several times."""
        if self._places:
            with open(self._path, "rb") as file:
                yield from _pages(file, self._places)

    def opened(self) -> int:
        """Return a new descriptor of the file, to read; the caller closes it."""
        return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)

    def prune(self, largest: int = LARGEST) -> None:
        """Remove the longest unused documents until all together are within *largest* bytes; never this one."""
        with os.scandir(self._folder) as entries:
            files = sorted(
                ((e.stat().st_mtime, e.stat().st_size, e.path) for e in entries if e.is_file()), reverse=True
            )
        total = 0
        for _, size, path in files:
            total += size
            if total > largest and path != self._path:
                _unlink(path)


class KeptPages:
    """The pages in the file of a `PageCache` that is open already, to be read alone; *descriptor* is closed with it."""

    def __init__(self, descriptor: int) -> None:
        self._file = open(descriptor, "rb")  # noqa: SIM115 - until this goes
        self._places = _places(self._file)

    def __iter__(self) -> Iterator[PageText]:
        """Yield the pages in order, one at a time; may be walked several times, also at once."""
        return _pages(self._file, self._places)


def _places(file: BinaryIO) -> dict[int, int]:
    """Return where the line of each page begins."""
    found, place = dict[int, int](), 0
    for line in file:
        if line.endswith(b"\n"):  # else it is torn, or being written just now
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                found[PageText.from_dict(json.loads(line)).number] = place
        place += len(line)
    return found


def _pages(file: BinaryIO, places: dict[int, int]) -> Iterator[PageText]:
    for number in sorted(places):
        file.seek(places[number])
        yield PageText.from_dict(json.loads(file.readline()))


def _unlink(path: str) -> None:
    """Remove a file; worker and daemon may do so at the same time."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
