"""Markdown of a model's answer made harmless: only known tags, no script, no link that runs one, no remote picture.

What a page says may be anything, and a model repeats it or is talked into more. A reader renders our Markdown later, so
what would act there becomes text: nothing is deleted. Links to the web and to people stay; a picture must lie beside
the file, for one on a server tells it that the page was looked at. Everything is decided by what CommonMark could take
for a link, a picture or a tag; where that is in doubt, it is escaped. Linear in the length of the text.
"""

import re

from dropscribe.core.pages import PageText
from dropscribe.formats import figures, plain

TAGS = frozenset(
    (
        *("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "br", "b", "i", "u", "s", "em", "strong"),
        *("sub", "sup", "small", "p", "div", "center", "span", "figure", "figcaption"),
    )
)
# A fence at the margin, after a blank line, is code for every renderer. One in a list or a quotation ends with that,
# closed or not, and is treated as text.
_FENCE = re.compile(r"^(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)(?:\n|\Z)", re.MULTILINE)
_INNER_FENCE = re.compile(r"^([ \t>*+\d.)-]+)(?=```|~~~)", re.MULTILINE)
_MARK = re.compile(r"(?<!\\)(\\*+)<|[\]!]")
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)((?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+)>", re.IGNORECASE)
_SPAN = re.compile(r"\b((?:col|row)span)\s*=\s*[\"']?([0-9]{1,4})(?![0-9])", re.IGNORECASE)
# What a link or a definition may lead to: the web, a person, or a place without a scheme. An entity or a backslash
# could hide a colon, so none may be in it.
_ADDRESS = r"(?:https?://|mailto:)[\w.~:/?#@!$&'()*+,;=%-]*"
# On one line: at the start of the next, the mark of a quotation or a list would be taken for the address.
_TARGET = re.compile(rf"\](?:\(|:)[ \t]*+(?:{_ADDRESS}|[^\s:&\\<>()]+)(?=[\s)]|\Z)", re.IGNORECASE)
# Inside a block of HTML it is a tag, whose name is the scheme and whose attributes follow the slashes.
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[\w.~:/?#@!$&*+,;%-]*>", re.IGNORECASE)
_PICTURE = re.compile(r"!\[[^\[\]<>\n]*\]\((?!//)[\w.~/@!$'*+,;=%-]+\)")


def of(page: PageText) -> str:
    """Return the Markdown of *page* as it may be written: printable, harmless, without places of unsaved figures."""
    return harmless(plain.printable(figures.without_places(page.markdown)))


def harmless(markdown: str) -> str:
    """Return *markdown*, whose line breaks are line feeds, with whatever could act escaped; code blocks stay."""
    whole, start = [], 0
    while fence := _FENCE.search(markdown, start):
        before = _escaped(markdown[start : fence.start()])
        whole += [before, "" if before.endswith("\n\n") or not before else "\n"]
        mark = fence[1] or fence[2]
        end = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE).search(markdown, fence.end())
        start = end.end() if end else len(markdown)
        whole.append(markdown[fence.start() : start])
        if not end:  # it would run on into the next page
            whole.append(("" if markdown.endswith("\n") else "\n") + mark)
    return "".join([*whole, _escaped(markdown[start:])])


def _escaped(text: str) -> str:
    """Return *text*, in which there is no code block, with tags, links and pictures that may act as text."""
    text = _INNER_FENCE.sub(r"\1\\", text)
    whole, start = [], 0
    while mark := _MARK.search(text, start):
        at = mark.end() - 1
        # A backslash is no escape inside a block of HTML; a reference is one everywhere.
        escaped = len(mark[1] or "") % 2
        whole.append(text[start : at - escaped])
        kept, start = _tag(text, at) if text[at] == "<" else _link(text, at)
        whole.append(kept)
    return "".join([*whole, text[start:]])


def _tag(text: str, at: int) -> tuple[str, int]:
    """Return what stands for the `<` at this place, and where to go on."""
    if found := _AUTOLINK.match(text, at):
        return found[0], found.end()
    found = _TAG.match(text, at)
    if found and found[2].lower() in TAGS:
        spans = "".join(f' {name.lower()}="{count}"' for name, count in _SPAN.findall(found[3]))
        return f"<{found[1]}{found[2].lower()}{spans}>", found.end()
    return ("&lt;" if _MARKUP.match(text, at) else "<"), at + 1


def _link(text: str, at: int) -> tuple[str, int]:
    """Return what stands for the bracket or exclamation mark at this place, and where to go on."""
    if text.startswith("![", at):
        found = _PICTURE.match(text, at)
        return (found[0], found.end()) if found else ("!\\[", at + 2)
    if text.startswith(("](", "]:"), at) and not _TARGET.match(text, at):
        return f"]\\{text[at + 1]}", at + 2
    return text[at], at + 1
