"""ALTO 4.4, the libraries' XML for text and its layout, in pixels of the upright page.

Positions of words are estimated inside the boxes that the engine gave (`words`); a word's confidence is its block's.
"""

import re
from collections.abc import Iterator

from dropscribe import __version__
from dropscribe.core.pages import Box, DocumentResult, PageText, Target
from dropscribe.formats import markup, plain
from dropscribe.formats.figures import LABELS
from dropscribe.formats.words import Area, Row, Word, areas

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" SCHEMAVERSION="4.4">
 <Description>
  <MeasurementUnit>pixel</MeasurementUnit>
  <sourceImageInformation><fileName>{name}</fileName></sourceImageInformation>
  <Processing ID="reading">
   <processingCategory>contentGeneration</processingCategory>
{created}   <processingStepSettings>{engine}</processingStepSettings>
   <processingSoftware>
    <softwareName>dropscribe</softwareName>
    <softwareVersion>{version}</softwareVersion>
   </processingSoftware>
  </Processing>
 </Description>
 <Layout>
"""
_TAIL = " </Layout>\n</alto>\n"
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")  # xsd:dateTime of our era


def render(reading: DocumentResult, path: Target) -> None:
    """Write the pages of *reading* with all boxes to *path*, one page at a time."""
    name, engine = markup.text(reading.source.name), markup.text(markup.engine_name(reading.engine))
    dated = _DATE_TIME.fullmatch(reading.created)
    created = f"   <processingDateTime>{reading.created}</processingDateTime>\n" if dated else ""
    with plain.new_file(path) as file:
        file.write(_HEAD.format(name=name, engine=engine, created=created, version=__version__))
        for page in reading.texts:
            file.writelines(_page(page))
        file.write(_TAIL)


def _page(page: PageText) -> Iterator[str]:
    number, size = page.number, f'WIDTH="{page.width}" HEIGHT="{page.height}"'
    yield f'  <Page ID="page_{number}" PHYSICAL_IMG_NR="{number}" {size} PROCESSINGREFS="reading">\n'
    yield f'   <PrintSpace HPOS="0" VPOS="0" {size}>\n'
    for index, area in enumerate(areas(page), start=1):
        yield from _area(area, f"{number}_{index}")
    yield "   </PrintSpace>\n  </Page>\n"


def _area(area: Area, spot: str) -> Iterator[str]:
    if not area.rows:
        kind = "Illustration" if area.block.label in LABELS else "GraphicalElement"
        yield f'    <{kind} ID="block_{spot}" {_place(area.box)}/>\n'
        return
    yield f'    <TextBlock ID="block_{spot}" {_place(area.box)}>\n'
    for index, row in enumerate(area.rows, start=1):
        yield f'     <TextLine ID="line_{spot}_{index}" {_place(row.box)}{_direction(row)}>\n'
        yield from _words(row, f"{spot}_{index}", area.block.confidence)
        yield "     </TextLine>\n"
    yield "    </TextBlock>\n"


def _direction(row: Row) -> str:
    if row.downward:
        return ' BASEDIRECTION="ttb"'
    return ' BASEDIRECTION="rtl"' if row.from_right else ""


def _words(row: Row, spot: str, confidence: float | None) -> Iterator[str]:
    sure = markup.share(confidence)
    rated = "" if sure is None else f' WC="{sure:.4g}"'
    before: Word | None = None
    for index, word in enumerate(row.words, start=1):
        if before:
            yield f"      <SP {_place(_between(before.box, word.box, downward=row.downward))}/>\n"
        content = f'CONTENT="{markup.text(word.text)}"'
        yield f'      <String ID="word_{spot}_{index}" {_place(word.box)} {content}{rated}/>\n'
        before = word


def _between(one: Box, other: Box, *, downward: bool) -> Box:
    """Return the gap between two words, whichever of them comes first on the page."""
    first, last = sorted((one, other), key=lambda box: box[1] if downward else box[0])
    return (first[0], first[3], first[2], last[1]) if downward else (first[2], first[1], last[0], first[3])


def _place(box: Box) -> str:
    x0, y0, x1, y1 = markup.pixels(box)
    return f'HPOS="{x0}" VPOS="{y0}" WIDTH="{x1 - x0}" HEIGHT="{y1 - y0}"'
