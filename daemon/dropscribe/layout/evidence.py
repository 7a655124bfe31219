"""What speaks for columns of text on both sides of a gutter, and what for rows of a table, as one score.

It owns the single pieces of evidence, each between 0 and 1, and their weights. Where gutters are is `gutters`'
business, what follows from the score `order`'s. The weights are those of a logistic regression over gutters of
generated pages whose order is known (tests/bench/fit_gutters.py), so no single piece of evidence is a threshold.
"""

import math
import re
import statistics
from collections.abc import Sequence
from itertools import pairwise

from dropscribe.layout.cards import records
from dropscribe.layout.columns import next_to, paragraph_starts, running
from dropscribe.layout.drawn import drawn
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.gutters import Gutter
from dropscribe.layout.lines import CJK
from dropscribe.layout.marks import Marks
from dropscribe.layout.rows import group_lines

SENTENCE_END = re.compile(r"[.!?:;。！？：；…\"”’)]$")
FULL = 0.7  # of the letters of the next line; a shorter line of Chinese ended a paragraph
PITCH = 0.22  # line heights by which two baselines differ that are not one row

WEIGHTS: dict[str, float] = {
    "least width": 1.9,
    "most width": 0.6,
    "least running": -0.7,
    "most running": -0.5,
    "most digits": -2.5,
    "least mid sentence": 1.0,
    "most mid sentence": 0.5,
    "least loose": -0.4,
    "most loose": -2.0,
    "least one paragraph": 1.1,
    "most right aligned": -0.7,
    "numbers, then words": 1.6,
    "words, then numbers": -2.1,
    "starts amid sentences": 1.7,
    "off the baseline": 2.5,
    "rows without partner": -0.4,
    "overhang": 1.7,
    "headings apart": 1.1,
    "paragraphs in step": -4.2,
    "gap": 0.8,
    "both priced": 2.0,
    "labels": -2.1,
    "one table": -1.7,
    "least in regions apart": -0.3,
    "most in regions apart": -0.4,
    "ruled": -1.0,
    "rule between": 0.5,
    "sorted downward": 0.4,
    "sorted across": 0.6,
}
BIAS = 0.9
# What a person takes as certain, and generated pages show too seldom to be learnt: no column of text runs on across
# drawn rules, two lists of prices side by side are no table, nor are records, blocks each in a frame of its own, or
# stanzas and lists of which most begin beside nothing.
CERTAIN = {"ruled": -4.0, "both priced": 6.0, "records": 8.0, "framed apart": 4.0, "paragraphs out of step": 8.0}

Side = list[list[TextBox]]


def score(gutter: Gutter, line_height: float, marks: Marks) -> float:
    """Return how much more likely both sides of *gutter* are columns than cells: log odds, above 0 for columns."""
    found = pieces(gutter, line_height, marks)
    weights = WEIGHTS | CERTAIN
    return BIAS + sum(weights.get(name, 0.0) * value for name, value in found.items())


def pieces(gutter: Gutter, line_height: float, marks: Marks) -> dict[str, float]:
    """Return the evidence at *gutter*, by name, each 0 to 1."""
    sides = [group_lines(next_to(gutter.x, list(side))) for side in (gutter.left, gutter.right)]
    both = [_of_side(side, line_height) for side in sides]
    found: dict[str, float] = {}
    for name in both[0]:
        found["least " + name], found["most " + name] = sorted(side[name] for side in both)
    found["numbers, then words"] = both[0]["digits"] * (1 - both[1]["digits"])
    found["words, then numbers"] = (1 - both[0]["digits"]) * both[1]["digits"]
    pairs = _partners(*sides)
    found["both prose"] = min(side["mid sentence"] * side["width"] for side in both)
    found["starts amid sentences"] = max(_starts_amid(*sides), _starts_amid(*sides[::-1]))
    found["off the baseline"] = _share([abs(_middle(a) - _middle(b)) > PITCH * line_height for a, b in pairs])
    found["rows without partner"] = 1 - len(pairs) / max(1, *map(len, sides))
    found["overhang"] = _overhang(*sides)
    found["headings apart"] = _headings_apart(sides, pairs)
    found["paragraphs in step"], alone = _in_step(sides, line_height)
    found["paragraphs out of step"] = alone * (1 - found["most digits"])  # numbers are cells, however they stand
    found["gap"] = min(1.0, (_edge(sides[1], 0) - _edge(sides[0], 1)) / (6 * line_height))
    priced = min(_priced(gutter.left), _priced(gutter.right))
    found["both priced"] = max(0.0, 2 * priced - 1)  # sums below the items of an invoice are less than half of its rows
    found["cells a row"] = min(1.0, len(gutter.boxes) / max(1, len(group_lines(list(gutter.boxes)))) / 3 - 1 / 3)
    found["labels"] = max(_share([row[-1].text.endswith((":", "：")) for row in side]) for side in sides)
    found["records"] = records(gutter.boxes, line_height)
    found |= drawn(gutter, line_height, marks)
    found["sorted downward"], found["sorted across"] = _alphabet(sides)
    return found


def _of_side(side: Side, line_height: float) -> dict[str, float]:
    texts = [" ".join(box.text for box in row) for row in side]
    whole = "".join(texts)
    mid_sentence = prose(side)
    widths = [row[-1].x1 - row[0].x0 for row in side]
    steps = [_middle(below) - _middle(above) for above, below in pairwise(side)]
    return {
        "width": min(1.0, statistics.median(widths) / (20 * line_height)),
        "running": running(side, line_height),
        "digits": _digits(whole),
        "mid sentence": mid_sentence,
        "loose": (1 - mid_sentence) * min(1.0, max(0.0, statistics.median(steps) / line_height - 1)) if steps else 0.0,
        "one paragraph": 1 - (1 + len(paragraph_starts(side))) / max(1, len(side)),
        "right aligned": _aligned([row[-1].x1 for row in side], [row[0].x0 for row in side], line_height),
    }


def prose(side: Side) -> float:
    """Return which share of the rows of *side* go on with the sentence of the row before."""
    return _share(_continuing(side)[1:])


def _continuing(side: Side) -> list[bool]:
    """Return for each row of *side* whether it goes on with the sentence of the row before."""
    texts = [" ".join(box.text for box in row) for row in side]
    goes_on = [
        not SENTENCE_END.search(a) and (b[:1].islower() or bool(CJK.match(b) and len(a) >= FULL * len(b)))
        for a, b in pairwise(texts)
    ]
    return [False, *goes_on][: len(side)]


def _starts_amid(side: Side, other: Side) -> float:
    """Return which share of the sentences that begin in *side* begin beside one that goes on in *other*.

    Cells of one row begin together; where a paragraph of a column begins says nothing about the other column.
    """
    starts = [row for row, goes_on in zip(side, _continuing(side), strict=True) if not goes_on][1:]
    marked = list(zip(other, _continuing(other), strict=True))
    beside = [_beside(row, marked) for row in starts]
    known = [goes_on for goes_on in beside if goes_on is not None]
    return sum(known) / (len(known) + 1)


def _beside(row: list[TextBox], others: list[tuple[list[TextBox], bool]]) -> bool | None:
    """Return the mark of the row of *others* that is nearest to *row* in height; None where none is beside it."""
    near = min(others, key=lambda pair: abs(_middle(pair[0]) - _middle(row)))
    return near[1] if min(near[0][0].y1, row[0].y1) > max(near[0][0].y0, row[0].y0) else None


def _aligned(ends: list[float], starts: list[float], line_height: float) -> float:
    """Return 1 where rows end at one x and begin anywhere, as numbers in a column do."""
    if len(ends) < 2:
        return 0.0
    spread = statistics.pstdev(ends) < 0.3 * line_height
    return float(spread and statistics.pstdev(starts) > 0.3 * line_height)


def _partners(left: Side, right: Side) -> list[tuple[list[TextBox], list[TextBox]]]:
    """Return each row of the side that has fewer, with the row of the other side that is nearest in height."""
    few, many = sorted((left, right), key=len)
    if not few:
        return []
    pairs = [(row, min(many, key=lambda other: abs(_middle(other) - _middle(row)))) for row in few]
    return [(a, b) for a, b in pairs if min(a[0].y1, b[0].y1) > max(a[0].y0, b[0].y0)]


def _priced(side: Sequence[TextBox]) -> float:
    """Return which share of the rows of *side* begin with words and end with a number, as in a list of prices."""
    rows = [row for row in group_lines(list(side)) if len(row) > 1]
    share = _share([len(row) == 2 and _digits(row[0].text) < 0.5 < _digits(row[1].text) for row in rows])
    return share * len(rows) / max(1, len(group_lines(list(side))))


def _digits(text: str) -> float:
    return sum(c.isdigit() for c in text) / max(1, sum(c.isalnum() for c in text))


def _overhang(left: Side, right: Side) -> float:
    """Return how much further down one side goes, as a share of its height; columns end where their text does."""
    ends = [max(_middle(row) for row in side) for side in (left, right)]
    top = min(_middle(row) for side in (left, right) for row in side)
    return abs(ends[0] - ends[1]) / max(1.0, max(ends) - top)


def _headings_apart(sides: list[Side], pairs: list[tuple[list[TextBox], list[TextBox]]]) -> float:
    """Return which share of lines in large letters has none beside it; heads of a table's columns have."""
    large = 1.2 * statistics.median(box.height for side in sides for row in side for box in row)
    heads = [row for side in sides for row in side if row[0].height > large]
    together = [row for pair in pairs for row in pair if all(one[0].height > large for one in pair)]
    return 1 - len(together) / len(heads) if heads else 0.0


def _in_step(sides: list[Side], line_height: float) -> tuple[float, float]:
    """Return how many paragraphs of the side that has fewer begin, or stand, beside one of the other, or beside none.

    Cells of one row begin at one height, or are centred about one; paragraphs of columns, stanzas and lists under
    headings begin where they fall. The second share is 0 unless most of them do.
    """
    few, many = sorted((_paragraphs(side) for side in sides), key=len)
    if len(few) < 2:
        return 0.0, 0.0
    near = 0.4 * line_height
    starts = _near([first for first, _ in few[1:]], [first for first, _ in many], near)
    centres = _near([sum(ends) / 2 for ends in few[1:]], [sum(ends) / 2 for ends in many], near)
    together = max(starts, centres)
    alone = len(few) - 1 - together
    return together / len(few), max(0, alone - together) / len(few)  # one more than could be: one may be chance


def _near(some: list[float], others: list[float], tolerance: float) -> int:
    return sum(any(abs(one - other) < tolerance for other in others) for one in some)


def _paragraphs(side: Side) -> list[tuple[float, float]]:
    cuts = [0, *paragraph_starts(side), len(side)]
    return [(_middle(side[first]), _middle(side[end - 1])) for first, end in pairwise(cuts) if end > first]


def _alphabet(sides: list[Side]) -> tuple[float, float]:
    """Return how well first words are sorted down both sides, and across their rows; .5 is no order at all."""
    down = [_sorted([row[0].text for row in side]) for side in sides]
    across = _sorted([row[0].text for row in sorted((r for side in sides for r in side), key=_middle)])
    return max(0.0, 2 * min(down) - 1), max(0.0, 2 * across - 1)


def _sorted(words: list[str]) -> float:
    keys = [w.casefold() for w in words if w[:1].isalpha()]
    return _share([a <= b for a, b in pairwise(keys)]) if len(keys) > 3 else 0.5


def _share(checks: list[bool]) -> float:
    return sum(checks) / len(checks) if checks else 0.0


def _edge(side: Side, which: int) -> float:
    """Return the left (0) or right (1) edge of *side* that most rows keep to."""
    edges = [row[0].x0 if which == 0 else row[-1].x1 for row in side]
    return min(edges) if which == 0 else max(edges)


def _middle(row: list[TextBox]) -> float:
    return statistics.median(s.middle for s in row)


def probability(log_odds: float) -> float:
    """Return *log_odds* as a probability."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
