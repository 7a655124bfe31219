"""The parser of grounded answers: marks become blocks with pixel boxes, Markdown is cleaned, plain text derived.

Pure, and made for hostile input: a document may hold text that looks like marks, and a model may write half of one.
Every pattern is bounded; boxes are literals, range-checked. Clean-up follows DeepSeek's own post-processing.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dropscribe.core.pages import Block, Box
from dropscribe.engines.vlm.parsers import tables
from dropscribe.engines.vlm.parsers.values import PageContext, Parsed

SCALE = 999  # boxes are given in thousandths of the original page, 0 to 999
FIGURES = frozenset({"image", "figure"})

_REF = re.compile(r"<\|ref\|>([^<]{0,200})<\|/ref\|>\s?<\|det\|>([^<]{0,4000})<\|/det\|>\n?")
# The same mark where special tokens were dropped on the way: `title[[80, 40, 920, 90]]` at the start of a line.
_BARE = re.compile(r"^([a-z][a-z_]{0,31})(\[\[[\d\s.,\[\]-]{1,4000}\]\])[ \t]*\n?", re.MULTILINE)
_LEFT_OVER = re.compile(r"<\|/?(?:ref|det|grounding)\|>|<｜(?:begin|end)▁of▁sentence｜>|<｜▁pad▁｜>|<image>")
_MANY_NEWLINES = re.compile(r"\n{3,}")
_HEADING = re.compile(r"(?m)^ {0,3}#{1,6}[ \t]+")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]{1,1000})(?<=\S)\*\*")
_TAGS = re.compile(
    r"</?(?:center|div|p|b|i|u|s|em|strong|sub|sup|small|span|br|figure|figcaption)(?:\s[^<>]{0,200})?/?>"
)
_PLACE = re.compile(r"!\[\]\([^()\n]{0,300}\)\n?")


@dataclass(frozen=True)
class Part:
    """The text that follows one mark; label None before the first."""

    label: str | None
    boxes: tuple[Box, ...]  # 0 to 999
    good: bool
    text: str


def parse(output: str, page: PageContext) -> Parsed:
    """Parse *output*, whose boxes are in thousandths of the page."""
    blocks: list[Block] = []
    figures = page.figures
    pieces: list[str] = []
    parts = split(output)
    marked = any(part.label is not None for part in parts)
    for part in parts:
        text = _clean(part.text)
        shape = [pixels(box, page.width, page.height) for box in part.boxes]
        if part.label in FIGURES:
            spots_of: list[Box | None] = [*shape] or [None]
            found = [Block(part.label or "", plain(text), box) for box in spots_of]
            spots = [f"![](FIGURE:{page.number}-{figures + i})" for i in range(1, len(found) + 1)]
            figures += len(found)
            blocks += found
            pieces += [*spots, text] if page.figure_marks else [text]
        elif text or part.label:
            blocks.append(Block(part.label or "text", plain(text, marked), _around(shape)))
            pieces.append(text)
    markdown = _MANY_NEWLINES.sub("\n\n", "\n\n".join(piece for piece in pieces if piece))
    text = plain(markdown, marked)
    markdown = tables.replaced(markdown, tables.as_markdown) if page.markdown_tables else markdown
    return Parsed(text, markdown, tuple(blocks), all(part.good for part in parts), figures)


def split(output: str) -> list[Part]:
    """Return the parts of *output*, cut at its marks, in whichever of the two spellings they come."""
    return list(_parts(output, _REF if "<|ref|>" in output or not _bare(output) else _BARE))


def _bare(output: str) -> bool:
    """Say whether the second spelling may be meant: only when the text begins with it, for it looks like text."""
    return _BARE.match(output.lstrip()) is not None


def _parts(output: str, mark: re.Pattern[str]) -> Iterator[Part]:
    if mark is _BARE:
        output = output.lstrip()
    label: str | None = None
    boxes: tuple[Box, ...] = ()
    good, start = True, 0
    for found in mark.finditer(output):
        if label is not None or output[start : found.start()].strip():
            yield Part(label, boxes, good, output[start : found.start()])
        label, start = found[1].strip() or "text", found.end()
        boxes, good = _boxes(found[2])
    if label is not None or output[start:].strip():
        yield Part(label, boxes, good, output[start:])


def _boxes(literal: str) -> tuple[tuple[Box, ...], bool]:
    """Return the boxes that *literal* lists and whether all are boxes within the page."""
    try:
        values = ast.literal_eval(literal.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (), False
    if isinstance(values, list | tuple) and len(values) == 4 and not any(isinstance(v, list | tuple) for v in values):
        values = [values]
    if not isinstance(values, list | tuple):
        return (), False
    boxes = [box for value in values if (box := _box(value)) is not None]
    return tuple(boxes), bool(values) and len(boxes) == len(values)


def _box(value: object) -> Box | None:
    if not isinstance(value, list | tuple) or len(value) != 4:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= SCALE for v in value):
        return None
    x0, y0, x1, y1 = value
    return (x0, y0, x1, y1) if x0 <= x1 and y0 <= y1 else None


def pixels(box: Box, width: int, height: int, scale: int = SCALE) -> Box:
    """Return a box given in parts of the page, 0 to *scale*, in pixels."""
    across, down = width / scale, height / scale
    return (int(box[0] * across), int(box[1] * down), int(box[2] * across), int(box[3] * down))


def _around(boxes: list[Box]) -> Box | None:
    """Return the smallest box around all *boxes*."""
    if not boxes:
        return None
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))


def _clean(text: str) -> str:
    """Do what the official post-processing does, and drop marks that are no whole marks."""
    text = _LEFT_OVER.sub("", text)
    text = text.replace("\\coloneqq", ":=").replace("\\eqqcolon", "=:")
    return _MANY_NEWLINES.sub("\n\n", text).strip()


def plain(markdown: str, marked: bool = True) -> str:
    """Return *markdown* without markup, tables with tabs; text of an answer without marks keeps its own signs."""
    text = tables.replaced(_PLACE.sub("", markdown), tables.as_text)
    if marked:
        text = _STRONG.sub(r"\1", _HEADING.sub("", text))
    return _MANY_NEWLINES.sub("\n\n", _TAGS.sub("", text)).strip()
