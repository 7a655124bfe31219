"""The invisible text layer of a PDF page: content that draws every word, unseen, where it was read.

Knows positions and codes only; which pages get a layer, and what lies under it, is decided in `render`.
"""

from dataclasses import replace

from dropscribe.core.pages import Box, PageText
from dropscribe.formats import direction
from dropscribe.formats.pdf.glyphless import Glyphless
from dropscribe.formats.pdf.visible_text import Letter, said_in, within
from dropscribe.formats.words import Row, Word, areas, units

FONT = "DropscribeText"  # its name in a page's resources
Matrix = tuple[float, float, float, float, float, float]


def content(page: PageText, font: Glyphless, placed: Matrix, letters: list[Letter] | None = None) -> bytes:
    """Return the operators that draw the text of *page* without a trace.

    *placed* maps pixels of the upright page, counted from its bottom left corner, to the user space of the PDF page.
    Words that the page's own *letters* say in the same place are left out.
    """
    lines = [f"q {operator(placed)} BT 3 Tr"]
    for area in areas(page):
        for row in area.rows:
            if letters:
                row = _unsaid(row, letters, page.height, placed)
            lines += _row(row, page.height, font)
    return "\n".join([*lines, "ET Q", ""]).encode("ascii") if len(lines) > 1 else b""


# How a picture, drawn on the unit square, has to be turned there to stand upright: by its EXIF orientation (Exif 2.3).
UPRIGHT: dict[int, Matrix] = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}
CLOCKWISE = {0: 1, 90: 6, 180: 3, 270: 8}  # the orientation that stands for a turn by so many degrees


def after(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that does what *first* does, then *second*."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def operator(matrix: Matrix) -> str:
    """Return the PDF operator that changes coordinates by *matrix*."""
    return f"{' '.join(map(_number, matrix))} cm"


def placement(crop: Box, rotate: int, width: int, height: int) -> Matrix:
    """Return the matrix for `content`: *width* by *height* pixels shown on *crop* turned clockwise by *rotate* degrees.

    *crop* is x0, y0, x1, y1 in user space. The inverse of what a viewer does to show the page (PDF 1.7, 14.11.2).
    """
    x0, y0, x1, y1 = crop
    across, down = x1 - x0, y1 - y0
    width, height = max(width, 1), max(height, 1)
    match rotate % 360:
        case 90:
            return 0, down / width, -across / height, 0, x1, y0
        case 180:
            return -across / width, 0, 0, -down / height, x1, y1
        case 270:
            return 0, -down / width, across / height, 0, x0, y1
    return across / width, 0, 0, down / height, x0, y0


def _unsaid(row: Row, letters: list[Letter], page_height: int, placed: Matrix) -> Row:
    """Return *row* without the words that *letters* say where they stand, give or take half a line's height."""
    near = within(letters, _mapped(row.box, page_height, placed))
    slack = (row.box[3] - row.box[1]) / 2

    def said(word: Word) -> bool:
        x0, y0, x1, y1 = word.box
        around = (x0 - slack, y0 - slack, x1 + slack, y1 + slack)
        return word.text in said_in(near, _mapped(around, page_height, placed))

    return replace(row, words=tuple(word for word in row.words if not said(word)))


def _mapped(box: Box, page_height: int, placed: Matrix) -> Box:
    """Return where *box* of the upright page lies in user space."""
    a, b, c, d, e, f = placed
    corners = [(x, page_height - y) for x, y in (box[:2], box[2:])]
    xs, ys = zip(*((a * x + c * y + e, b * x + d * y + f) for x, y in corners), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _row(row: Row, page_height: int, font: Glyphless) -> list[str]:
    """Return the operators for one row: words in the order of their places, a blank in each gap."""
    if not row.words:
        return []
    words = sorted(row.words, key=lambda word: word.box[1] if row.downward else word.box[0])
    thick = row.box[2] - row.box[0] if row.downward else row.box[3] - row.box[1]
    lines = [f"/{FONT} {_number(thick)} Tf"]
    for word, after in zip(words, [*words[1:], None], strict=True):
        x0, y0, x1, y1 = word.box
        # Right to left words are drawn as they stand, from left to right; readers turn them back.
        text = word.text[::-1] if direction.leans_right(word.text) else word.text
        long = y1 - y0 if row.downward else x1 - x0
        # 0.2 of the thickness is below the letters; the box of an invisible letter reaches from there to the top.
        turn = (
            f"0 -1 1 0 {_number(x0)} {_number(page_height - y0)}"
            if row.downward
            else f"1 0 0 1 {_number(x0)} {_number(page_height - y1)}"
        )
        scale = 100 * long / (max(units(text), 1) * thick / 2)
        lines.append(f"{_number(scale)} Tz {turn} Tm <{font.encode(text + ' ' * bool(after)).hex()}> Tj")
    return lines


def _number(value: float) -> str:
    """Return *value* as PDF writes numbers: no exponent."""
    return f"{value:.5f}".rstrip("0").rstrip(".")
