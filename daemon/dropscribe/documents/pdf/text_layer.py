"""A PDF page's own text: taken unchanged, in the page's order, where it can be trusted.

Trusting is a matter of evidence, line by line: letters that say what they are, that are drawn, that leave ink where
they claim to be. Where no other ink looks like writing, nothing is left to read; else only the rest is read from the
pixels. No engine is named here, and nothing is corrected.
"""

import unicodedata
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from dropscribe.core.pages import Block, Box
from dropscribe.documents.pdf import letters as letter_list
from dropscribe.documents.pdf import right_to_left, visibility
from dropscribe.documents.pdf.coverage import Coverage
from dropscribe.documents.pdf.letters import Letter
from dropscribe.documents.pdf.raster import POINTS_PER_INCH, Placed

MAX_CHARS = 200_000  # of a page; more is no page of text

MOST_IMAGE_SHARE = 0.1  # of the page under images, which may hold further text: a logo has less, a scan more
MOST_GARBAGE = 0.02  # of the letters: a list's bullets come from private codes, a page of them is garbage
MOST_INKLESS = 0.5  # of a word: a full stop may fall between the pixels
FEWEST_SAMPLED, MOST_SAMPLED, SAMPLES = 4, 20, 2  # letters of a word that is compared with its picture; words a font
TINY_POINTS = 1.0  # height of a word that no eye can read; the smallest print, type of 3 points, has over 1.5
SAME_LINE = 0.5  # of the lesser height: so much of two pieces stands side by side on one line


@dataclass(frozen=True)
class OwnText:
    """What a page says by itself: its lines, and a few words of each font to compare with their pictures.

    `text` is the whole page's, None where there is more on the page than the lines say.
    """

    text: str | None
    blocks: tuple[Block, ...]
    samples: tuple[tuple[Block, ...], ...]


def take(
    page: pdfium.PdfPage, image: Image.Image, dpi: float, images: tuple[Placed, ...], layered: bool, always: bool
) -> OwnText | None:
    """Return the text of *page*, or None where there is none that can be trusted.

    *image* is the page rendered at *dpi*, *images* what is placed on it; *layered* documents may hide some of it. With
    *always* any text at all is taken. Whether the fonts' codes have a meaning is for the caller to ask.
    """
    textpage = page.get_textpage()
    try:
        if not 0 < textpage.count_chars() <= MAX_CHARS:
            return None
        letters = letter_list.read(page, textpage, image.size)
    finally:
        textpage.close()
    if always:
        lines = _lines(letters)
        return OwnText(_whole(lines), _blocks(lines), ()) if any(map(_stands, letters)) else None
    coverage = Coverage(image)
    hidden = visibility.unseen(page, letters, image, dpi, layered) | _without_trace(letters, coverage, dpi)
    letters = [letter for index, letter in enumerate(letters) if index not in hidden and not letter.invisible]
    trusted = [line for line in _lines(letters) if any(map(_stands, line)) and not _is_garbled(line)]
    if not trusted:
        return None
    seen = [letter for line in trusted for letter in line if _stands(letter)]
    explained = coverage.is_explained_by([each.box for each in seen if each.box], _annotations(page, image.size))
    pictured = sum(placed.share for placed in images) > MOST_IMAGE_SHARE
    whole = explained and (not pictured or coverage.is_blank_beside([each.box for each in seen if each.box]))
    return OwnText(_whole(_lines(letters)) if whole else None, _blocks(trusted), _samples(trusted))


def _stands(letter: Letter) -> bool:
    return letter.box is not None and bool(letter.text.strip())


def _is_garbled(line: list[Letter]) -> bool:
    standing = [letter for letter in line if _stands(letter)]
    return sum(letter.garbage for letter in standing) > MOST_GARBAGE * len(standing)


def _without_trace(letters: list[Letter], coverage: Coverage, dpi: float) -> frozenset[int]:
    """Return the indices of letters in words where nothing is drawn, or nothing that an eye can make out."""
    hidden: set[int] = set()
    word: list[int] = []
    for index in range(len(letters) + 1):
        if index < len(letters) and _stands(letters[index]):
            word.append(index)
            continue
        drawn = [(i, box) for i in word if (box := letters[i].box) and not letters[i].undrawn]
        inkless = [i for i, box in drawn if not coverage.has_ink(box)]
        if len(inkless) > MOST_INKLESS * len(word) or _is_tiny([letters[i] for i in word], dpi):
            hidden.update(word)
        word = []
    return frozenset(hidden)


def _is_tiny(word: list[Letter], dpi: float) -> bool:
    """Say whether *word* is too small to be read; signs, which are always small, are not asked."""
    heights = [
        letter.box[3] - letter.box[1] for letter in word if letter.box and letter.text.isalnum() and not letter.undrawn
    ]
    return bool(heights) and max(heights) < TINY_POINTS * dpi / POINTS_PER_INCH


def _lines(letters: list[Letter]) -> list[list[Letter]]:
    """Return the lines, without their ends; those that run from right to left are whole, and in reading order."""
    lines, line, before = list[list[Letter]](), list[Letter](), ""
    for letter in [*letters, Letter("\n", None)]:
        if letter.text not in "\r\n":
            line.append(letter)
        elif before + letter.text != "\r\n":
            if lines and _continues(lines[-1], line):
                apart = lines[-1][-1].text.strip() and line[0].text.strip()
                lines[-1] += [Letter(" ", None), *line] if apart else line
            else:
                lines.append(line)
            line = []
        before = letter.text
    return [_ordered(line) for line in lines]


def _continues(before: list[Letter], line: list[Letter]) -> bool:
    """Say whether *line* stands on the line *before* it, and one of the two runs from right to left."""
    one, other = _box(before), _box(line)
    if one is None or other is None:
        return False
    if not right_to_left.runs_right_to_left("".join(letter.text for letter in (*before, *line))):
        return False
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared > SAME_LINE * min(one[3] - one[1], other[3] - other[1])


def _ordered(line: list[Letter]) -> list[Letter]:
    if not right_to_left.runs_right_to_left("".join(letter.text for letter in line)):
        return line
    return right_to_left.in_reading_order([letter for letter in _placed(line) if letter.box])


def _placed(line: list[Letter]) -> list[Letter]:
    """Return *line* with the blanks that PDFium adds put between the letters beside them."""
    placed = []
    for index, letter in enumerate(line):
        before = line[index - 1].box if index else None
        after = line[index + 1].box if index + 1 < len(line) else None
        if letter.box is None and before and after:
            middle = (max(before[0], after[0]) + min(before[2], after[2])) / 2
            letter = Letter(letter.text, (middle, before[1], middle, before[3]))
        placed.append(letter)
    return placed


def _whole(lines: list[list[Letter]]) -> str:
    """Return the text of *lines*, without those of which only blanks are left."""
    return "\n".join(_said(line) for line in lines if not line or any(map(_stands, line))).strip("\n")


def _blocks(lines: list[list[Letter]]) -> tuple[Block, ...]:
    """Return a block for each line that has any letters."""
    boxed = [(line, _box(line)) for line in lines]
    return tuple(Block("text", _said(line).strip(), box) for line, box in boxed if box)


def _said(line: list[Letter]) -> str:
    """Return the letters as text without blanks at its end; PDFium gives halves of surrogate pairs apart."""
    joined = "".join(letter.text for letter in line if letter.text != "\0")
    text = joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").rstrip(" ")
    return right_to_left.paired(text) if right_to_left.runs_right_to_left(text) else text


def _box(line: list[Letter]) -> Box | None:
    boxes = [letter.box for letter in line if letter.box and letter.text.strip()]
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _samples(lines: list[list[Letter]]) -> tuple[tuple[Block, ...], ...]:
    """Return the longest words of each font, as far as the embedded reader knows their script."""
    found: dict[int, list[Block]] = {}
    for line in lines:
        for word in _words(line):
            box = _box(word)
            if box and FEWEST_SAMPLED <= len(word) <= MOST_SAMPLED and all(_is_readable(each.text) for each in word):
                found.setdefault(word[0].font, []).append(Block("text", _said(word), box))
    return tuple(tuple(sorted(words, key=lambda word: -len(word.text))[:SAMPLES]) for words in found.values())


def _words(line: list[Letter]) -> list[list[Letter]]:
    """Return the runs of letters of one font without blanks."""
    words: list[list[Letter]] = [[]]
    for letter in line:
        if not _stands(letter) or (words[-1] and words[-1][-1].font != letter.font):
            words.append([])
        if _stands(letter):
            words[-1].append(letter)
    return [word for word in words if word]


def _is_readable(text: str) -> bool:
    """Say whether a character is of a script that the embedded reader knows: Latin, Han and kana, digits, signs."""
    if text.isascii():
        return True
    return unicodedata.name(text[:1], "").startswith(("LATIN", "CJK UNIFIED", "HIRAGANA", "KATAKANA"))


_SPEAKING = {
    pdfium_c.FPDF_ANNOT_WIDGET,
    pdfium_c.FPDF_ANNOT_FREETEXT,
    pdfium_c.FPDF_ANNOT_STAMP,
    pdfium_c.FPDF_ANNOT_INK,
}
MAX_ANNOTATIONS = 2000


def _annotations(page: pdfium.PdfPage, size: tuple[int, int]) -> list[Box]:
    """Return the boxes of form fields, stamps and notes: they are drawn, but are no part of the page's text."""
    matrix, boxes = letter_list.to_pixels(page, size), []
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        rect = pdfium_c.FS_RECTF()
        speaks = pdfium_c.FPDFAnnot_GetSubtype(annotation) in _SPEAKING
        if speaks and pdfium_c.FPDFAnnot_GetRect(annotation, rect):
            boxes.append(letter_list.turned(matrix, (rect.left, rect.bottom, rect.right, rect.top)))
        pdfium_c.FPDFPage_CloseAnnot(annotation)
    return boxes
