"""Faults of a reader that invents, skips and repeats, planted into true texts by a seeded program.

Each kind takes a text and returns it with one fault, and the passage that a second reader has to name. Kinds without a
passage are none: what they change is how a text is written.
"""

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CJK = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
ENOUGH = 8  # words
NAMES = ("Thornbury", "Okonkwo", "Vandermeer", "Castellane", "Wetherby", "Ishikawa", "Przybylski", "Lindqvist")
# Of about the same length, in languages that the embedded weights read; written for this.
ELSEWHERE = (
    "Der Vertrag endet zum Ablauf des Monats, sofern keine der beiden Seiten schriftlich widerspricht.",
    "Le train de nuit part à l'heure prévue, et les voyageurs trouvent leurs places dans la dernière voiture.",
    "La mañana siguiente encontraron el puente cerrado y tuvieron que volver por el camino largo hasta la aldea.",
    "Il consiglio ha deciso di rinviare la seduta alla settimana prossima, quando tutti saranno presenti.",
    "会议决定把报告推迟到下个星期，等所有成员都回来以后再讨论预算和人员安排的问题。",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A text with a fault; `said` must be named as unconfirmed, `left_out` as missing; neither: it is no fault."""

    text: str
    said: str = ""
    left_out: str = ""


Plant = Callable[[random.Random, str, Sequence[str]], Planted | None]


def words(text: str) -> float:
    """Return how many words *text* has; a Chinese one has 1.6 characters."""
    return len(WORD.findall(CJK.sub(" ", text))) + len(CJK.findall(text)) / 1.6


def stretch(rng: random.Random, lines: Sequence[str]) -> tuple[int, int] | None:
    """Return where lines in a row with at least `ENOUGH` words together begin and end, at most a third of all."""
    starts = list(range(len(lines)))
    rng.shuffle(starts)
    total = words("\n".join(lines))
    for start in starts:
        for end in range(start + 1, len(lines) + 1):
            size = words("\n".join(lines[start:end]))
            if size >= ENOUGH and lines[start].strip():
                if size <= max(total / 3, 2 * ENOUGH) and size < total / 1.5:
                    return start, end
                break
    return None


def foreign_stretch(rng: random.Random, text: str, others: Sequence[str]) -> str | None:
    """Return lines of another page in the same script, with nothing of which this page has most words."""
    chinese = len(CJK.findall(text)) > len(text) / 5
    known = set(WORD.findall(text.casefold()))
    for other in rng.sample(list(others), min(20, len(others))):
        lines = other.split("\n")
        if (len(CJK.findall(other)) > len(other) / 5) == chinese and (found := stretch(rng, lines)):
            piece = "\n".join(lines[found[0] : found[1]])
            own = WORD.findall(piece.casefold())
            alike = piece.replace("\n", "")[:12] in text.replace("\n", "")
            if not alike and (chinese or sum(word not in known for word in own) > len(own) / 3):
                return piece
    return None


def invented(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Insert a passage of another page."""
    piece, lines = foreign_stretch(rng, text, others), text.split("\n")
    if piece is None:
        return None
    at = rng.randint(0, len(lines))
    return Planted("\n".join([*lines[:at], piece, *lines[at:]]), said=piece)


def left_out(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Leave lines out."""
    lines = text.split("\n")
    if (found := stretch(rng, lines)) is None:
        return None
    a, b = found
    return Planted("\n".join([*lines[:a], *lines[b:]]), left_out="\n".join(lines[a:b]))


def repeated(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Say lines twice, the second time at once or further on."""
    lines = text.split("\n")
    if (found := stretch(rng, lines)) is None:
        return None
    a, b = found
    at = rng.choice((b, rng.randint(b, len(lines))))
    piece = lines[a:b]
    return Planted("\n".join([*lines[:at], *piece, *lines[at:]]), said="\n".join(piece))


def end_lost(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Lose the end of the page."""
    lines = text.rstrip().split("\n")
    for count in range(1, len(lines)):
        tail = "\n".join(lines[-count:])
        if words(tail) >= max(ENOUGH, rng.uniform(0.1, 0.4) * words(text)):
            return Planted("\n".join(lines[:-count]), left_out=tail)
    return None


def other_page(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Give the text of another page."""
    fit = [o for o in others if words(o) >= ENOUGH and o.replace("\n", "")[:12] not in text.replace("\n", "")]
    if not fit or words(text) < ENOUGH:
        return None
    other = rng.choice(fit)
    return Planted(other, said=other, left_out=text)


def translated(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Give lines in another language."""
    lines = text.split("\n")
    if (found := stretch(rng, lines)) is None:
        return None
    a, b = found
    chinese = bool(CJK.search("".join(lines[a:b])))
    piece = rng.choice([s for s in ELSEWHERE if bool(CJK.search(s)) != chinese])
    return Planted("\n".join([*lines[:a], piece, *lines[b:]]), said=piece, left_out="\n".join(lines[a:b]))


def digits(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Exchange two digits of a number, or change one."""
    numbers = [
        m for m in re.finditer(r"(?<![\d.,-])\d[\d.,]*\d(?![\d])", text) if sum(c.isdecimal() for c in m[0]) >= 3
    ]
    if not numbers:
        return None
    number = rng.choice(numbers)
    places = [i for i in range(number.start(), number.end()) if text[i].isdecimal()]
    pairs = [(i, j) for i, j in itertools.pairwise(places) if text[i] != text[j]]
    changed = list(text)
    if pairs and rng.random() < 0.6:
        i, j = rng.choice(pairs)
        changed[i], changed[j] = text[j], text[i]
    else:
        i = rng.choice(places)
        changed[i] = rng.choice([d for d in "0123456789" if d != text[i]])
    faulty = "".join(changed)
    return Planted(faulty, said=faulty[number.start() : number.end()])


def name(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Put another name in the place of a word with a capital."""
    found = list(re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b", text))
    if not found:
        return None
    word, other = rng.choice(found), rng.choice(NAMES)
    return Planted(text[: word.start()] + other + text[word.end() :], said=other)


def row_lost(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Lose a row of a table: a line with numbers and several cells."""
    lines = text.split("\n")
    rows = [i for i, line in enumerate(lines) if len(re.split(r"\t| {2,}|\s(?=\d)", line.strip())) >= 3]
    rows = [i for i in rows if re.search(r"\d", lines[i]) and lines.count(lines[i]) == 1]
    if len(rows) < 3:
        return None
    at = rng.choice(rows)
    return Planted("\n".join([*lines[:at], *lines[at + 1 :]]), left_out=lines[at])


def moved(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Move lines elsewhere on the page; two readers may well take a page in different order, so this is no fault."""
    lines = text.split("\n")
    if (found := stretch(rng, lines)) is None:
        return None
    a, b = found
    rest = [*lines[:a], *lines[b:]]
    at = rng.randint(0, len(rest))
    return Planted("\n".join([*rest[:at], *lines[a:b], *rest[at:]]))


def written_otherwise(rng: random.Random, text: str, others: Sequence[str]) -> Planted | None:
    """Write the same as Markdown with HTML and LaTeX, its lines joined to paragraphs."""
    done = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        match rng.randrange(5):
            case 0:
                done.append("## " + " ".join(lines))
            case 1:
                done.append(re.sub(r"(\w+ \w+)", r"**\1**", " ".join(lines), count=3))
            case 2:
                rows = "".join(f"<tr><td>{'</td><td>'.join(line.split())}</td></tr>" for line in lines)
                done.append(f"<table>{rows}</table>")
            case 3:
                done.append(
                    re.sub(r"(?<![\w.])(\d+)(?![\w.])", r"\\( \1 \\)", "\n".join(f"- {line}" for line in lines))
                )
            case _:
                done.append(" ".join(lines))
    return Planted("\n\n".join(done))


FAULTS: dict[str, Plant] = {
    f.__name__: f for f in (invented, left_out, repeated, end_lost, other_page, translated, digits, name, row_lost)
}
NO_FAULTS: dict[str, Plant] = {f.__name__: f for f in (moved, written_otherwise)}
