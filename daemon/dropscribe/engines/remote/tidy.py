"""Answers with a form of their own, brought into one that a parser of `engines.vlm` reads. Pure.

Layout answers (dots.ocr: JSON with boxes in pixels of the picture; Chandra: HTML with `data-bbox` in thousandths)
become the grounded marks of DeepSeek, so that there is one parser of boxes.
"""

import json
import re
from html.parser import HTMLParser

from dropscribe.engines.vlm.parsers.grounding import SCALE

Size = tuple[int, int]  # width and height of the picture that was sent, in pixels

LABELS = {"picture": "image", "section-header": "sub_title", "figure": "image"}  # as the others call them
PER_PAGE = 1000  # what Chandra's boxes are asked in

_FENCE = re.compile(r"\A\s*```[\w-]{0,20}[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_OPEN_FENCE = re.compile(r"\A\s*```[\w-]{0,20}[ \t]*\n")
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n.{0,2000}?\n---[ \t]*(?:\n|\Z)", re.DOTALL)


def as_it_is(answer: str, _: Size) -> str:
    """Return *answer*."""
    return answer


def without_fence(answer: str, _: Size) -> str:
    """Return *answer* without a fence of three backticks around the whole of it."""
    found = _FENCE.match(answer)
    return found[1] if found and "\n```" not in found[1] else answer


def without_front_matter(answer: str, size: Size) -> str:
    """Return what follows the YAML that olmOCR writes first."""
    answer = without_fence(answer, size)
    return _FRONT_MATTER.sub("", answer, count=1)


def from_json(answer: str, size: Size) -> str:
    """Return the regions that dots.ocr lists, as grounded marks; what is no such list stays as it is."""
    text = _OPEN_FENCE.sub("", answer).lstrip()
    at = text.find("[") + 1
    if not text.startswith(("[", "{")) or not at:
        return answer
    regions: list[str] = []
    decoder = json.JSONDecoder()
    while (at := _next_object(text, at)) >= 0:
        try:
            region, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break  # an answer that was cut: the regions before are good
        if isinstance(region, dict):
            regions.append(_region(region, size))
    return "\n".join(regions) if regions else answer


def _next_object(text: str, at: int) -> int:
    """Return where the next object of a list begins, or -1."""
    found = re.compile(r"[\s,]*(?=\{)").match(text, at)
    return found.end() if found else -1


def _region(region: dict[str, object], size: Size) -> str:
    box, text = region.get("bbox"), region.get("text")
    shape = [f"{_part(v, size[i % 2])}" for i, v in enumerate(box)] if isinstance(box, list) and len(box) == 4 else []
    return marked(str(region.get("category", "text")), ", ".join(shape), text if isinstance(text, str) else "")


def _part(value: object, whole: int) -> int:
    """Return a place in parts of the page; beyond them where it lies beyond the page."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        return -1
    return round(value * SCALE / max(whole, 1)) if value <= whole * 1.02 else SCALE + 1


def marked(label: str, box: str, text: str) -> str:
    """Return a region in DeepSeek's marks; text that looks like one of them is made harmless."""
    label = "".join(c for c in label.lower() if c.isalnum() or c in "-_ ")[:40].strip()
    label = LABELS.get(label, label.replace("-", "_").replace(" ", "_")) or "text"
    text = re.sub(r"<\|(/?(?:ref|det|grounding))\|>", r"< |\1| >", text)
    return f"<|ref|>{label}<|/ref|><|det|>[[{box}]]<|/det|>\n{text.strip()}\n"


def from_html(answer: str, size: Size) -> str:
    """Return the blocks that Chandra writes, as grounded marks; what holds no block stays as it is."""
    answer = without_fence(answer, size)
    reader = _Blocks()
    reader.feed(answer)
    reader.close()
    return "\n".join(reader.finished()) or answer


BEFORE = {"h1": "\n# ", "h2": "\n## ", "h3": "\n### ", "h4": "\n#### ", "li": "\n- ", "p": "\n", "br": "\n"}
STYLES = {"b": "**", "strong": "**"}
KEPT = frozenset({"table", "thead", "tbody", "tr", "td", "th", "sup", "sub", "math"})


class _Blocks(HTMLParser):
    """Takes `<div data-bbox data-label>` apart: tables stay HTML, headings and lists become Markdown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._done: list[str] = []
        self._label, self._box, self._depth = "", "", 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "div" and "data-bbox" in given:
            self._end()
            numbers = re.findall(r"-?\d{1,6}(?:\.\d{1,6})?", given["data-bbox"] or "")
            self._box = ", ".join(str(round(float(n) * SCALE / PER_PAGE)) for n in numbers)
            self._label, self._depth = given.get("data-label") or "text", 1
            return
        self._depth += tag == "div" and bool(self._depth)
        if tag in KEPT:
            spans = "".join(f' {k}="{v}"' for k, v in attrs if k in ("colspan", "rowspan") and (v or "").isdigit())
            self._text.append(f"<{tag}{spans}>")
        else:
            self._text.append(BEFORE.get(tag, STYLES.get(tag, "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._depth -= bool(self._depth)
            if not self._depth:
                self._end()
        elif tag in KEPT:
            self._text.append(f"</{tag}>")
        else:
            self._text.append(STYLES.get(tag, ""))

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def _end(self) -> None:
        text = "".join(self._text).strip()
        if self._label:
            self._done.append(marked(self._label, self._box, text))
        elif text:
            self._done.append(text)
        self._label, self._box, self._depth = "", "", 0
        self._text.clear()

    def finished(self) -> list[str]:
        """Return the blocks, one cut off at the end among them; none where no block was marked."""
        self._end()
        return self._done if any(block.startswith("<|ref|>") for block in self._done) else []
