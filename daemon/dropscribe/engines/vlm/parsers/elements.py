"""The elements of a DocTags page: which label each gets here, and how it reads as Markdown and as plain text.

Pure; `doctags` finds them in an answer. Text stays as the model wrote it; nothing is unescaped.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dropscribe.core.pages import Box
from dropscribe.engines.vlm.parsers import otsl, tables

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "title": "title", "text": "text", "paragraph": "text", "reference": "text", "smiles": "text",
        "checkbox_selected": "text", "checkbox_unselected": "text", "caption": "caption", "footnote": "footnote",
        "page_header": "header", "page_footer": "footer", "list_item": "list", "code": "code", "formula": "formula",
        "otsl": "table", "document_index": "table", "picture": "image", "chart": "figure",
    }
)  # fmt: skip
FIGURES = frozenset({"image", "figure"})
CHECKS: Mapping[str, str] = MappingProxyType({"checkbox_selected": "- [x] ", "checkbox_unselected": "- [ ] "})
DEEPEST_HEADING = 6

_LEVEL = re.compile(r"section_header_level_(\d)")
_CLASS = re.compile(rf"<(?!(?:{'|'.join((*otsl.CELLS, 'nl'))})>)[a-z][a-z_0-9]{{0,40}}>")  # what kind of picture it is
_LANGUAGE = re.compile(r"\s*<_([^<>_\n]{1,40})_>[ \t]*\n?")
_BULLET = re.compile(r"[•·▪◦‣∙●○■–*-]\s+")
_NUMBER = re.compile(r"\(?(?:\d{1,4}|[A-Za-z])[.)]\s")
_BACKTICKS = re.compile(r"`+")


@dataclass(frozen=True)
class Element:
    """One element; *name* is empty for text outside of any."""

    name: str
    text: str
    box: Box | None = None  # 0 to 500
    good: bool = True  # its places are none, or a box
    ordinal: int = 0  # in a numbered list, from 1

    @property
    def label(self) -> str:
        """The label of its block: DeepSeek's names where it has one."""
        return "sub_title" if _LEVEL.fullmatch(self.name) else LABELS.get(self.name, "text")

    @property
    def tight(self) -> bool:
        """Whether it stands on the next line of its kind, without a blank one between."""
        return self.name == "list_item" or self.name in CHECKS

    def plain(self) -> str:
        """Return its text without markup, tables with tabs."""
        if self.label == "table" or self.label in FIGURES:
            return tables.replaced(self._html(), tables.as_text).strip()
        if self.label == "code":
            language = _LANGUAGE.match(self.text)
            return self.text[language.end() if language else 0 :].strip("\n")
        return self._item() if self.tight else self.text.strip()

    def markdown(self, markdown_tables: bool = False) -> str:
        """Return it as Markdown, tables as HTML unless *markdown_tables*."""
        if self.label == "table" or self.label in FIGURES:
            html = self._html().strip()
            return tables.replaced(html, tables.as_markdown) if markdown_tables else html
        text = self.plain()
        if not text:
            return ""
        if self.label == "code":
            return self._fenced(text)
        if self.label == "formula":
            return f"$$\n{text}\n$$"
        return self._hashes() + (" ".join(text.split()) if self._hashes() else text)

    def _hashes(self) -> str:
        if self.name == "title":
            return "# "
        level = _LEVEL.fullmatch(self.name)
        return "#" * min(int(level[1]) + 1, DEEPEST_HEADING) + " " if level else ""

    def _item(self) -> str:
        """Return a list's item with its sign: the one on the page, a number of its own, or a dash."""
        text = " ".join(self.text.split())
        if not text:
            return ""
        if self.name in CHECKS:
            return CHECKS[self.name] + text
        if self.ordinal:
            return text if _NUMBER.match(text) else f"{self.ordinal}. {text}"
        return "- " + _BULLET.sub("", text, count=1) if _BULLET.match(text) else "- " + text

    def _html(self) -> str:
        return otsl.replaced(_CLASS.sub("", self.text))

    def _fenced(self, text: str) -> str:
        fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
        language = _LANGUAGE.match(self.text)
        return f"{fence}{language[1].lower().strip() if language else ''}\n{text}\n{fence}"


def joined(pieces: Iterable[tuple[str, bool]]) -> str:
    """Join texts with a blank line between them, or a single newline between two that are tight."""
    whole, before = "", False
    for text, tight in pieces:
        if not text:
            continue
        if whole:
            whole += "\n" if before and tight else "\n\n"
        whole += text
        before = tight
    return whole
