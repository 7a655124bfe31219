"""Removes the invisible text of an earlier OCR from a PDF page before ours is added: else all is found twice.

Only text in the page's own content and drawn in the mode for invisible text (PDF 1.7, 9.3.6) goes, by whole text
objects. Text that can be seen stays, and so does what lies in forms that the page draws.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Pdf, Stream

MOST_BYTES = 1 << 20  # of packed content; a page with more is a drawing, and is left alone
_INVISIBLE = 3
_HINT = re.compile(rb"\b3\s+Tr\b")
_SHOWS = frozenset({"Tj", "TJ", "'", '"'})


def take_off(pdf: Pdf, page: Any) -> None:
    """Remove invisible text from *page* (a dictionary of *pdf*); a page that cannot be parsed stays as it is."""
    try:
        content = _content(page)
        if content is None or not _HINT.search(content):
            return
        kept = pikepdf.unparse_content_stream(list(_without_hidden(pikepdf.parse_content_stream(page))))
    except Exception:  # a hostile or broken stream; its reader has shown it all the same
        return
    page.Contents = pdf.make_stream(kept)


def _content(page: Any) -> bytes | None:
    """Return the drawing instructions of *page* unpacked, None where there are too many."""
    found = page.get("/Contents")
    streams = [each for each in (found if isinstance(found, Array) else [found]) if isinstance(each, Stream)]
    if sum(int(stream.get("/Length", 0)) for stream in streams) > MOST_BYTES:
        return None
    return b"\n".join(stream.read_bytes() for stream in streams)


def _without_hidden(instructions: Iterable[Any]) -> Iterator[Any]:
    """Yield *instructions* without those that show text in text objects that are invisible throughout."""
    mode, saved = 0, list[int]()
    block: list[Any] = []
    seen = hidden = False
    for each in instructions:
        name = str(each.operator)
        if name == "q":
            saved.append(mode)
        elif name == "Q":
            mode = saved.pop() if saved else mode
        elif name == "Tr":
            mode = int(each.operands[0])
        elif name in _SHOWS:
            hidden, seen = hidden or mode == _INVISIBLE, seen or mode != _INVISIBLE
        block.append(each)
        if name == "ET":
            yield from _silent(block) if hidden and not seen else block
            block, seen, hidden = [], False, False
    yield from block


def _silent(block: list[Any]) -> Iterator[Any]:
    return (each for each in block if str(each.operator) not in _SHOWS)
