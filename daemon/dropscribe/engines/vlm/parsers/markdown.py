"""An answer that is plain text or Markdown, of models that mark no layout: GLM-OCR and PaddleOCR-VL.

There are no boxes and no labels but `text` and `table`. Nothing in the text is taken for a mark of layout, and its own
signs stay: the models were trained on pieces of pages, where a leading `#` may as well be a comment. Tables come as
HTML or as OTSL and leave as HTML.
"""

import re
from collections.abc import Iterator

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.parsers import otsl, tables
from dropscribe.engines.vlm.parsers.grounding import plain
from dropscribe.engines.vlm.parsers.values import PageContext, Parsed

_MANY_NEWLINES = re.compile(r"\n{3,}")


def parse(output: str, page: PageContext) -> Parsed:
    """Parse *output*; no figure is ever marked in it."""
    markdown = _MANY_NEWLINES.sub("\n\n", otsl.replaced(output)).strip()
    blocks = tuple(_blocks(markdown))
    text = plain(markdown, marked=False)
    markdown = tables.replaced(markdown, tables.as_markdown) if page.markdown_tables else markdown
    return Parsed(text, markdown, blocks, boxes_good=True, figures=page.figures)


def _blocks(markdown: str) -> Iterator[Block]:
    """Yield the tables and what lies between them."""
    for is_table, piece in tables.pieces(markdown):
        yield from _block("table" if is_table else "text", piece)


def _block(label: str, markdown: str) -> Iterator[Block]:
    if text := plain(markdown, marked=False):
        yield Block(label, text, None)
