"""What rules and the layout model's regions say about a gutter: pieces of evidence, each between 0 and 1."""

from collections.abc import Sequence

from dropscribe.core.pages import Box
from dropscribe.layout.cards import framed_apart
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.gutters import Gutter
from dropscribe.layout.marks import Marks

NOT_TEXT = frozenset({"table", "figure"})
RULES = 3  # rules across a gutter that show a table as surely as any number


def drawn(gutter: Gutter, line_height: float, marks: Marks) -> dict[str, float]:
    """Return the evidence at *gutter* that *marks* give, by name."""
    tables = [r.box for r in marks.regions if r.label == "table" and _across(r.box, gutter.x, line_height)]
    texts = [r.box for r in marks.regions if r.label not in NOT_TEXT]
    across = [box for box in texts if _across(box, gutter.x, 2 * line_height)]
    apart = [_share(side, [box for box in texts if box not in across]) for side in (gutter.left, gutter.right)]
    top, bottom = _extent(gutter)
    ruled = [box for box in marks.across if _across(box, gutter.x, line_height) and top < box[1] < bottom]
    left, right = max(s.x1 for s in gutter.left), min(s.x0 for s in gutter.right)
    upright = [box for box in marks.upright if left - line_height < box[0] and box[2] < right + line_height]
    beside = sum(max(0.0, min(box[3], bottom) - max(box[1], top)) for box in upright) / max(1.0, bottom - top)
    return {
        "one table": _share(gutter.boxes, tables),
        "least in regions apart": min(apart),
        "most in regions apart": max(apart),
        "regions across": _share(gutter.boxes, across),
        "ruled": min(1.0, len(ruled) / RULES),
        "rule between": min(1.0, beside) * (not ruled),
        "framed apart": float(framed_apart(left, right, top, bottom, upright, line_height)),
    }


def _across(box: Box, x: float, reach: float) -> bool:
    return box[0] < x - reach and box[2] > x + reach


def _share(boxes: Sequence[TextBox], regions: list[Box]) -> float:
    """Return which share of *boxes* have their centre in one of *regions*."""
    inside = [any(r[0] < (b.x0 + b.x1) / 2 < r[2] and r[1] < b.middle < r[3] for r in regions) for b in boxes]
    return sum(inside) / len(inside) if inside else 0.0


def _extent(gutter: Gutter) -> tuple[float, float]:
    """Return the middles of the first and the last line that both sides have beside each other."""
    return (
        max(min(s.middle for s in side) for side in (gutter.left, gutter.right)),
        min(max(s.middle for s in side) for side in (gutter.left, gutter.right)),
    )
