"""What every parser of a model's answer takes and returns; see `adapters.Adapter.parse`."""

from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.core.pages import Block


@dataclass(frozen=True)
class PageContext:
    """The page that an answer belongs to, and the form that is wanted."""

    width: int  # pixels
    height: int
    number: int = 1
    markdown_tables: bool = False  # tables as Markdown, not HTML
    figure_marks: bool = False  # leave `![](FIGURE:{number}-{index})` where a figure belongs
    figures: int = 0  # figures found in the page before: the index continues from here


@dataclass(frozen=True)
class Parsed:
    """A page's text in its forms."""

    text: str
    markdown: str
    blocks: tuple[Block, ...]
    boxes_good: bool  # every box was a box, inside the page
    figures: int  # blocks that are figures, those before included


Parser = Callable[[str, PageContext], Parsed]
