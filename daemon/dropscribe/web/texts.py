"""The text of a job, a page at a time: from its outputs and, for boxes, from `.json` or the page cache.

Both of these hold one page to a line, so that a page of a document of thousands is found without reading the rest.
Without either, `.txt` or `.md` give the text alone; then it is said that boxes are not known.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dropscribe.config import Settings
from dropscribe.core.pages import DOUBTFUL
from dropscribe.files.places import Place
from dropscribe.formats import figures, md, plain
from dropscribe.web import job_files
from dropscribe.web.job_files import Known
from dropscribe.worker import page_cache

LARGEST = 50 * 10**6  # bytes of a text that is shown
NEAREST = 64  # files of the page cache that are looked at: those last used when the job ended
SEPARATORS = {".txt": "\n\f\n", ".md": md.RULE}
KNOWN = 8  # documents whose places of pages are remembered
_STARTS = b'{"number":', b'{"number" :'
Values = dict[str, Any]  # of a page, as in the published schema


@dataclass(frozen=True)
class Text:
    """The text of a job: pages by number, from 1."""

    count: int
    source: str  # json | cache | txt | md | none
    file: Place | None = None
    offsets: tuple[int, ...] = ()  # of each page's line, in json and cache
    plain_pages: tuple[str, ...] = field(default=(), repr=False)

    @property
    def has_boxes(self) -> bool:
        """Say whether it is known where on the page the text stands."""
        return self.source in ("json", "cache")

    def page(self, number: int) -> Values:
        """Return what is known of a page; empty values where nothing is; raise `Missing`."""
        if not 1 <= number <= self.count:
            raise job_files.Missing(f"There is no page {number}; the document has {self.count}.")
        if not self.has_boxes:
            text = self.plain_pages[number - 1] if number <= len(self.plain_pages) else ""
            return _values({"number": number, "text": text, "markdown": text if self.source == "md" else None})
        assert self.file is not None
        with open(job_files.opened(self.file), "rb") as file:
            file.seek(self.offsets[number - 1])
            return _values(_parsed(file.readline(LARGEST)) or {"number": number})

    def doubtful(self) -> Iterator[int]:
        """Yield the numbers of the pages that ask for a look, in order."""
        for number in range(1, self.count + 1 if self.has_boxes else 1):
            if is_doubtful(self.page(number)):
                yield number


def is_doubtful(page: Values) -> bool:
    """Say whether a page asks for a look."""
    return bool(DOUBTFUL.intersection(page["flags"]))


class Texts:
    """Finds the text of a job, and remembers where the pages of the last few stand."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, tuple[int, ...]], Text] = OrderedDict()

    def of(self, settings: Settings, job: Known) -> Text:
        """Return the text of *job*."""
        files = job_files.outputs(settings, job)
        key = job.id, tuple(_changed(place) for place in files)
        if key not in self._known:
            self._known[key] = _found(settings, job, files)
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return self._known[key]


def beginning(place: Place, most: int) -> str:
    """Return the beginning of the text in an output: *most* bytes; raise `Missing`."""
    with open(job_files.opened(place), "rb") as file:
        if not place.path.endswith(b".json"):
            return file.read(most).decode("utf-8", "ignore")
        pages: list[str] = []
        for line in file:
            pages += [str((_parsed(line) or {}).get("text", ""))] if _is_page(line) else []
            if sum(map(len, pages)) > most:
                break
        return "\n".join(pages)


def _changed(place: Place) -> int:
    found = place.found()
    return 0 if found is None else found.st_mtime_ns


def _found(settings: Settings, job: Known, files: list[Place]) -> Text:
    """Return the text from the best of *files*, with boxes from the page cache where they are not among them."""
    for place in (place for place in files if place.path.endswith(b".json")):
        try:
            if offsets := _offsets(place):
                return Text(len(offsets), "json", place, offsets)
        except job_files.Missing:
            continue
    for suffix, separator in SEPARATORS.items():
        for place in (place for place in files if place.path.endswith(suffix.encode())):
            try:
                with open(job_files.opened(place), "rb") as file:
                    text = file.read(LARGEST).decode("utf-8", "replace")
            except job_files.Missing:
                continue
            pages = tuple(page.strip("\n") for page in text.split(separator))
            return _cached(settings, job, pages, suffix) or Text(len(pages), suffix[1:], place, plain_pages=pages)
    return Text(0, "none")


def _cached(settings: Settings, job: Known, pages: tuple[str, ...], suffix: str) -> Text | None:
    """Return the kept pages of this very text, if there are any: same number of pages, same words on each."""
    folder = os.fsencode(page_cache.folder_of(settings.folders.state))
    try:
        with os.scandir(folder) as entries:
            found = [(abs(e.stat().st_mtime - (job.finished or 0)), e.name) for e in entries if e.is_file()]
    except OSError:
        return None
    for _, name in sorted(found)[:NEAREST]:
        try:
            offsets = _offsets(place := Place(folder, name))
            if len(offsets) >= len(pages) and _same(Text(len(offsets), "cache", place, offsets), pages, suffix):
                return Text(len(offsets), "cache", place, offsets)
        except job_files.Missing:
            continue
    return None


def _same(kept: Text, pages: tuple[str, ...], suffix: str) -> bool:
    """Say whether kept pages are those of an output; blank pages at its end are not in it."""
    for number in range(1, kept.count + 1):
        values = kept.page(number)
        text = figures.without_places(values["markdown"] or "") if suffix == ".md" else values["text"]
        if plain.printable(text).strip("\n") != (pages[number - 1] if number <= len(pages) else ""):
            return False
    return True


def _offsets(place: Place) -> tuple[int, ...]:
    """Return where the line of each page begins, by number; pages that are not there end the document."""
    found: dict[int, int] = {}
    offset = 0
    with open(job_files.opened(place), "rb") as file:
        for line in file:
            if _is_page(line) and line.endswith(b"\n"):
                head = line.split(b",", 1)[0].rsplit(b":", 1)[-1]
                if head.strip().isdigit():
                    found[int(head)] = offset
            offset += len(line)
    return tuple(found[number] for number in range(1, len(found) + 1) if number in found)


def _is_page(line: bytes) -> bool:
    return line.lstrip().startswith(_STARTS)


def _parsed(line: bytes) -> Values | None:
    try:
        values = json.loads(line.strip().rstrip(b","))
    except (ValueError, RecursionError):
        return None
    return plain.sound(values) if isinstance(values, dict) else None


def _values(found: Values) -> Values:
    """Return the values of a page with every key there and of the right kind, whoever has edited the file."""
    page: Values = {"number": found.get("number"), "check": None}
    for key in ("text", "text_source"):
        page[key] = found[key] if isinstance(found.get(key), str) else ""
    page["markdown"] = found["markdown"] if isinstance(found.get("markdown"), str) else None
    for key in ("width", "height", "rotation"):
        page[key] = found[key] if isinstance(found.get(key), int) else 0
    page["flags"] = [flag for flag in _list(found.get("flags")) if isinstance(flag, str)]
    page["blocks"] = [_block(block) for block in _list(found.get("blocks")) if isinstance(block, dict)]
    if isinstance(check := found.get("check"), dict):
        page["check"] = {
            key: [_block(item) for item in _list(check.get(key)) if isinstance(item, dict)]
            for key in ("unconfirmed", "missing")
        } | {"reader": str(check.get("reader") or ""), "agreement": _number(check.get("agreement"))}
    return page


def _block(found: Values) -> Values:
    box = found.get("box")
    sound = isinstance(box, list) and len(box) == 4 and all(_number(value) is not None for value in box)
    return {
        "label": str(found.get("label") or ""),
        "text": str(found.get("text") or ""),
        "box": box if sound else None,
        "confidence": _number(found.get("confidence")),
    }


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e9 else None
