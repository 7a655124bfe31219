"""hOCR 1.2: valid XHTML that says, for every page, area, line and word, where it is.

Positions of words are estimated inside the boxes that the engine gave (`words`); a word's confidence is its block's.
"""

from collections.abc import Iterator

from dropscribe import __version__
from dropscribe.core.pages import Box, DocumentResult, PageText, Target
from dropscribe.formats import markup, plain
from dropscribe.formats.figures import LABELS
from dropscribe.formats.words import Area, Row, areas

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
 <head>
  <title>{title}</title>
  <meta http-equiv="Content-Type" content="text/html;charset=utf-8" />
  <meta name="ocr-system" content="dropscribe {version} {engine}" />
  <meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_image ocr_par ocr_line ocrx_word ocrp_dir" />
  <meta name="ocr-number-of-pages" content="{pages}" />
  <meta name="ocr-langs" content="unknown" />
  <meta name="ocr-scripts" content="unknown" />
 </head>
 <body>
"""
# The name is in double quotes inside a property; nothing there can be escaped, and many readers split at any semicolon.
_UNQUOTABLE = str.maketrans({'"': "'", ";": ","})
_TAIL = " </body>\n</html>\n"


def render(reading: DocumentResult, path: Target) -> None:
    """Write the pages of *reading* with all boxes to *path*, one page at a time."""
    name, engine = markup.text(reading.source.name), markup.text(markup.engine_name(reading.engine))
    with plain.new_file(path) as file:
        file.write(_HEAD.format(title=name, version=__version__, engine=engine, pages=reading.source.pages))
        for page in reading.texts:
            file.writelines(_page(page, reading.source.name))
        file.write(_TAIL)


def _page(page: PageText, name: str) -> Iterator[str]:
    image = markup.text(f'image "{name.translate(_UNQUOTABLE)}"')
    box = _bbox((0, 0, page.width, page.height))
    number = page.number
    yield f'  <div class="ocr_page" id="page_{number}" title="{image}; {box}; ppageno {number - 1}">\n'
    for index, area in enumerate(areas(page), start=1):
        yield from _area(area, f"{number}_{index}")
    yield "  </div>\n"


def _area(area: Area, spot: str) -> Iterator[str]:
    kind = "ocr_image" if area.block.label in LABELS and not area.rows else "ocr_carea"
    yield f'   <div class="{kind}" id="block_{spot}" title="{_bbox(area.box)}">\n'
    if area.rows:
        yield f'    <p class="ocr_par" id="par_{spot}" title="{_bbox(area.box)}">\n'
        for index, row in enumerate(area.rows, start=1):
            yield from _line(row, f"{spot}_{index}", area.block.confidence)
        yield "    </p>\n"
    yield "   </div>\n"


def _line(row: Row, spot: str, confidence: float | None) -> Iterator[str]:
    # textangle: degrees counter-clockwise (hOCR 1.2, 8.12).
    turn, runs = "; textangle 270" if row.downward else "", ' dir="rtl"' if row.from_right else ""
    yield f'     <span class="ocr_line" id="line_{spot}"{runs} title="{_bbox(row.box)}{turn}">\n'
    sure = markup.share(confidence)
    rated = "" if sure is None else f"; x_wconf {round(100 * sure)}"
    for index, word in enumerate(row.words, start=1):
        start = f'<span class="ocrx_word" id="word_{spot}_{index}" title="{_bbox(word.box)}{rated}">'
        yield f"      {start}{markup.text(word.text)}</span>\n"
    yield "     </span>\n"


def _bbox(box: Box) -> str:
    return "bbox " + " ".join(map(str, markup.pixels(box)))
