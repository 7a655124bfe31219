"""Which model a server runs, by its name, and how that one is asked and understood.

A prompt is part of how a model was trained, so each is its vendor's own. Sources: docling `stage_model_specs.py` and
`vlm_prompts.py`, olmocr `prompts.py`, and the vendors' pages. None has been tried with real weights here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from dropscribe.engines.remote import tidy
from dropscribe.engines.remote.tidy import Size, as_it_is
from dropscribe.engines.vlm.adapters import ADAPTERS, HTML_TABLES, Adapter
from dropscribe.engines.vlm.parsers import grounding, markdown
from dropscribe.engines.vlm.resizing import Arguments

# A server fixes how a picture is looked at (vLLM issue 28160). Only one view can be chosen from here: a page of at
# most 640 pixels is not tiled.
VIEWS: Mapping[str, Arguments] = MappingProxyType(
    {"tiny": {"image_size": 512}, "small": {"image_size": 640}, "base": {"image_size": 640}}
)
DEEPSEEK_CELLS = (128821, 128822)  # <td>, </td>: exempt from the guard in the vLLM recipe for DeepSeek-OCR

PAGE = "Transcribe the page as Markdown, in reading order, with tables as HTML. Answer with the transcription only."
ANY_PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "markdown": PAGE,
        "text": "Transcribe all text of the page, line by line, without any formatting. Answer with the text only.",
        "figure": "Transcribe the figure: its labels, its values and what it shows, as Markdown.",
        "describe": "Describe this image in detail.",
    }
)
OLMOCR = (
    "Attached is one page of a document that you must process. "
    "Just return the plain text representation of this document as if you were reading it naturally. "
    "Convert equations to LateX and tables to HTML.\n"
    "If there are any figures or charts, label them with the following markdown syntax "
    "![Alt text describing the contents of the figure](page_startx_starty_width_height.png)\n"
    "Return your output as markdown, with a front matter section on top specifying values for the primary_language, "
    "is_rotation_valid, rotation_correction, is_table, and is_diagram parameters."
)
NANONETS = (
    "Extract the text from the above document as if you were reading it naturally. Return the tables in html format. "
    "Return the equations in LaTeX representation. If there is an image in the document and image caption is not "
    "present, add a small description of the image inside the <img></img> tag; otherwise, add the image caption inside "
    "<img></img>. Watermarks should be wrapped in brackets. Ex: <watermark>OFFICIAL COPY</watermark>. Page numbers "
    "should be wrapped in brackets. Ex: <page_number>14</page_number> or <page_number>9/22</page_number>. "
    "Prefer using ☐ and ☑ for check boxes."
)
DOTS = (
    "Please output the layout information from the PDF image, including each layout element's bbox, its category, and "
    "the corresponding text content within the bbox.\n\n1. Bbox format: [x1, y1, x2, y2]\n\n"
    "2. Layout Categories: The possible categories are ['Caption', 'Footnote', 'Formula', 'List-item', 'Page-footer', "
    "'Page-header', 'Picture', 'Section-header', 'Table', 'Text', 'Title'].\n\n3. Text Extraction & Formatting Rules:\n"
    "    - Picture: For the 'Picture' category, the text field should be omitted.\n"
    "    - Formula: Format its text as LaTeX.\n    - Table: Format its text as HTML.\n"
    "    - All Others (Text, Title, etc.): Format their text as Markdown.\n\n4. Constraints:\n"
    "    - The output text must be the original text from the image, with no translation.\n"
    "    - All layout elements must be sorted according to human reading order.\n\n"
    "5. Final Output: The entire output should be a single JSON object."
)
CHANDRA = (
    "OCR this image to HTML, arranged as layout blocks. Each layout block should be a div with the data-bbox attribute "
    "representing the bounding box of the block in x0 y0 x1 y1 format. Bboxes are normalized 0-1000. The data-label "
    "attribute is the label for the block."
)


@dataclass(frozen=True)
class Family:
    """How the models of one family are asked over a server's API."""

    name: str
    pattern: str  # of a model's name, in small letters
    adapter: Adapter
    text_first: bool = False  # the words before the picture
    longest: int | None = None  # pixels of the longer side that the model was trained with
    tidy: Callable[[str, Size], str] = as_it_is
    guarded: bool = False  # its vendor asks for the no-repeat guard
    cells: tuple[int, ...] = ()  # ids exempt from it
    special: bool = False  # its special tokens carry the layout


def _everywhere(words: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(ANY_PROMPTS, words))


_DEEPSEEK = replace(ADAPTERS["deepseekocr"], modes=VIEWS)
_UNLIMITED = replace(ADAPTERS["unlimited-ocr"], modes=VIEWS)
_PLAIN = Adapter(ANY_PROMPTS, parse=markdown.parse, table_marks=HTML_TABLES)
_MARKED = Adapter(ANY_PROMPTS, parse=grounding.parse, table_marks=HTML_TABLES)

FAMILIES: tuple[Family, ...] = (
    Family(
        "deepseek-ocr-2", r"deepseek.?ocr.?2", replace(ADAPTERS["deepseekocr_2"], modes=VIEWS, untiled=0),
        guarded=True, cells=DEEPSEEK_CELLS, special=True,
    ),
    Family("deepseek-ocr", r"deepseek.?ocr", _DEEPSEEK, guarded=True, cells=DEEPSEEK_CELLS, special=True),
    Family("unlimited-ocr", r"unlimited.?ocr", _UNLIMITED, guarded=True, special=True),
    Family("glm-ocr", r"glm.?ocr", ADAPTERS["glm_ocr"]),
    Family("paddleocr-vl", r"paddleocr.?vl", ADAPTERS["paddleocr_vl"]),
    Family("granite-docling", r"granite.?docling|smoldocling", ADAPTERS["idefics3"], special=True),
    Family("lightonocr", r"lightonocr", replace(_PLAIN, prompts=_everywhere("")), longest=1540),
    Family(
        "olmocr", r"olmocr", replace(_PLAIN, prompts=_everywhere(OLMOCR)),
        text_first=True, longest=1288, tidy=tidy.without_front_matter,
    ),
    Family("nanonets-ocr", r"nanonets.?ocr", replace(_PLAIN, prompts=_everywhere(NANONETS)), tidy=tidy.without_fence),
    Family("dots.ocr", r"dots.{0,2}ocr", replace(_MARKED, prompts=_everywhere(DOTS)), tidy=tidy.from_json),
    Family("chandra", r"chandra", replace(_MARKED, prompts=_everywhere(CHANDRA)), tidy=tidy.from_html),
)  # fmt: skip
ANY = Family("any", "", _PLAIN, tidy=tidy.without_fence)


def family_of(*names: str) -> Family:
    """Return the family that the first of these *names* belongs to that belongs to any: an id, a path, an alias."""
    for name in names:
        for family in FAMILIES:
            if re.search(family.pattern, name.lower()):
                return family
    return ANY
