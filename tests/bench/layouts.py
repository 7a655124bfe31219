"""Draw pages of many layouts whose text and reading order are known, from seeds.

    python tests/bench/layouts.py FOLDER --seeds 0-99 [--kinds paper cards] [--fonts FOLDER]

For each seed and kind it writes KIND-SEED.png and KIND-SEED.txt. Seeds below 1000 are for looking at while rules are
written; those above are drawn with other fonts, sizes and gaps (`Style`) and stay unseen until a change is done.
The order in which a layout draws is the order in which a person would read it.
"""

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont


def _listed(text: str) -> list[str]:
    return text.split(", ")


WORDS = _listed(
    "time, year, people, way, day, man, thing, woman, life, child, world, school, state, family, student, group, "
    "country, problem, hand, part, place, case, week, company, system, program, question, work, government, "
    "number, night, point, home, water, room, mother, area, money, story, fact, month, lot, right, study, book, "
    "eye, job, word, business, issue, side, kind, head, house, service, friend, father, power, hour, game, line, "
    "end, member, law, car, city, community, name, president, team, minute, idea, body, information, back, "
    "parent, face, others, level, office, door, health, person, art, war, history, party, result, change, "
    "morning, reason, research, girl, guy, moment, air, teacher, force, education, foot, boy, age, policy, "
    "process, music, market, sense, nation, plan, college, interest, death, experience, effect, class, control, "
    "field, development, role, effort, rate, heart, drug, show, leader, light, voice, wife, police, mind, price, "
    "report, decision, son, view, relationship, town, road, arm, difference, value, building, action, season, "
    "society, tax, director, position, player, record, paper, space, ground, form, event, official, matter, "
    "center, couple, site, project, activity, star, table, need, court, oil, situation, cost, industry, figure, "
    "street, image, phone, data, picture, practice, piece, land, product, doctor, wall, patient, worker, news, "
    "test, movie, north, love, support, technology, the, of, and, to, in, that, was, for, on, with, as, at, by, "
    "from, this, have, are, were, which, their, about, into, than, more, other"
)
NAMES = _listed(
    "Abel, Baker, Carter, Dunn, Evans, Foster, Grant, Hayes, Irwin, Jonas, Keller, Lane, Moss, Nolan, Owens, "
    "Price, Quinn, Reed"
)
FIRST = _listed(
    "Anna, Bob, Carl, Dora, Emil, Fay, Gus, Hana, Ivan, Jill, Karl, Lena, Max, Nora, Otto, Pia, Rolf, Sara, Tom, Uma"
)
STREETS = _listed("Mill, Oak, Park, High, Station, Church, Garden, River, Lake, Bridge")
TOWNS = _listed("Ashford, Bedale, Colby, Denton, Epping, Frome, Goole, Hythe, Ilkley, Kelso")
GOODS = _listed(
    "Bolt, Nut, Washer, Hinge, Bracket, Cable, Socket, Switch, Valve, Pump, Filter, Hose, Lamp, Motor, Belt, "
    "Bearing, Spring"
)
DISHES = _listed(
    "Onion soup, Green salad, Roast chicken, Grilled trout, Lamb stew, Potato cakes, Apple pie, Lemon tart, "
    "Rice pudding, Mushroom risotto, Fish pie, Bread and butter"
)


@dataclass
class Style:
    """What varies from page to page: letters, spacing, gaps."""

    regular: Font
    bold: Font
    size: int
    pitch: int
    gap: int  # of the gutter
    justify: bool
    hyphenate: bool


@dataclass
class Sheet:
    """A page that is being drawn, and the text drawn so far in the order of reading."""

    rng: random.Random
    style: Style
    width: int = 1240
    height: int = 1754
    lines: list[str] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with white paper."""
        self.image = Image.new("RGB", (self.width, self.height), "white")
        self.draw = ImageDraw.Draw(self.image)

    def put(self, x: float, y: float, text: str, font: Font | None = None) -> None:
        """Draw *text* with its top left at *x*, *y*, as the next line of the text."""
        self.draw.text((x, y), text, "black", font or self.style.regular)
        self.log(x, y, self.wide(text, font), text, font or self.style.regular)

    def log(self, x: float, y: float, width: float, text: str, font: Font) -> None:
        """Note *text* as the next line, and the box that a detector would draw around it."""
        ascent, descent = font.getmetrics()
        self.lines.append(text)
        self.boxes.append((x - 2, y + 0.1 * ascent, x + width + 2, y + ascent + descent - 2))

    def wide(self, text: str, font: Font | None = None) -> float:
        """Return the width of *text* in pixels."""
        return float((font or self.style.regular).getlength(text))

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a thin line."""
        self.draw.line((x0, y0, x1, y1), "black", 2)

    def words(self, count: int) -> str:
        """Return *count* words as sentences."""
        rng, words, start = self.rng, [], True
        for _ in range(count):
            word = rng.choice(WORDS)
            words.append(word.capitalize() if start else word)
            start = rng.random() < 0.1
            if start:
                words[-1] += "."
        words[-1] = words[-1].rstrip(".") + "."
        return " ".join(words)

    def title(self, count: int) -> str:
        """Return a heading of *count* words."""
        return " ".join(self.rng.choice(WORDS).capitalize() for _ in range(count))

    def paragraph(self, x: float, y: float, width: float, text: str, bottom: float = 1e9, indent: float = 0) -> float:
        """Set *text* into lines of *width*, none below *bottom*; return the y below them."""
        lines = self.broken(text, width, indent)
        for i, line in enumerate(lines):
            if y + self.style.pitch > bottom:
                break
            left = x + (indent if i == 0 else 0)
            if self.style.justify and i < len(lines) - 1 and " " in line:
                self._justified(left, y, width - (left - x), line)
            else:
                self.put(left, y, line)
            y += self.style.pitch
        return y

    def broken(self, text: str, width: float, indent: float = 0) -> list[str]:
        """Return *text* cut into lines of at most *width* pixels, hyphenated where the style has it so."""
        lines, line = [], ""
        for word in text.split():
            room = width - (indent if not lines else 0)
            if self.wide((line + " " + word).strip()) <= room:
                line = (line + " " + word).strip()
                continue
            cut = len(word) // 2
            if self.style.hyphenate and len(word) > 7 and self.wide(f"{line} {word[:cut]}-") <= room:
                lines.append(f"{line} {word[:cut]}-")
                line = word[cut:]
            else:
                lines.append(line)
                line = word
        return [*lines, line]

    def _justified(self, x: float, y: float, width: float, line: str) -> None:
        words = line.split(" ")
        blank = (width - sum(self.wide(w) for w in words)) / (len(words) - 1)
        if blank > 2.5 * self.wide(" "):
            return self.put(x, y, line)
        self.log(x, y, width, line, self.style.regular)
        for word in words:
            self.draw.text((x, y), word, "black", self.style.regular)
            x += self.wide(word) + blank
        return None

    def column(self, x: float, y: float, width: float, bottom: float) -> float:
        """Fill a column with paragraphs down to *bottom*; return where it ends."""
        apart = self.rng.choice((0, 0, self.style.pitch // 2, self.style.pitch))
        while y + self.style.pitch <= bottom:
            indent = 0 if apart else self.style.size
            y = self.paragraph(x, y, width, self.words(self.rng.randint(20, 75)), bottom, indent) + apart
        return y


def columns(sheet: Sheet, top: float, bottom: float, count: int) -> None:
    """Fill the stretch from *top* to *bottom* with *count* columns; the last may end early."""
    gap, left = sheet.style.gap, 90
    width = (sheet.width - 2 * left - gap * (count - 1)) / count
    for i in range(count):
        end = bottom if i < count - 1 else bottom - sheet.rng.choice((0, 0, 0.3, 0.5)) * (bottom - top)
        sheet.column(left + i * (width + gap), top, width, end)


def paper(sheet: Sheet) -> None:
    """Draw a paper: title and author across, two columns, section headings, a page number."""
    rng, style = sheet.rng, sheet.style
    title = sheet.title(5)
    sheet.put((sheet.width - sheet.wide(title, style.bold)) / 2, 90, title, style.bold)
    author = f"{rng.choice(FIRST)} {rng.choice(NAMES)} and {rng.choice(FIRST)} {rng.choice(NAMES)}"
    sheet.put((sheet.width - sheet.wide(author)) / 2, 150, author)
    top, bottom, width = 230, 1600, (sheet.width - 180 - style.gap) / 2
    for x in (90, 90 + width + style.gap):
        y: float = top
        while y + 4 * style.pitch < bottom:
            sheet.put(x, y, f"{rng.randint(1, 9)} {sheet.title(2)}", style.bold)
            end = min(bottom, y + rng.randint(8, 20) * style.pitch)
            y = sheet.column(x, y + 1.7 * style.pitch, width, end) + style.pitch
    sheet.put(sheet.width / 2, 1660, str(rng.randint(1, 300)))


def newsletter(sheet: Sheet) -> None:
    """Draw a newsletter: a masthead, two or three columns of articles, each under a heading of its own."""
    rng, style = sheet.rng, sheet.style
    sheet.put(90, 70, f"The {rng.choice(TOWNS)} {rng.choice(('Post', 'Herald', 'Letter'))}", style.bold)
    sheet.rule(90, 140, sheet.width - 90, 140)
    count = rng.choice((2, 3))
    width = (sheet.width - 180 - style.gap * (count - 1)) / count
    for i in range(count):
        x, y = 90 + i * (width + style.gap), 170.0 + rng.choice((0, 0, 7))
        while y < 1500:
            for line in sheet.broken(sheet.title(rng.randint(2, 4)), width * 0.8):
                sheet.put(x, y, line, style.bold)
                y += style.pitch * 1.3
            y = sheet.column(x, y + 6, width, min(1620, y + rng.randint(6, 22) * style.pitch)) + 1.2 * style.pitch


def sidebar(sheet: Sheet) -> None:
    """Draw running text with a narrow bar of short lines at its left or right."""
    rng, style = sheet.rng, sheet.style
    narrow = rng.randint(190, 270)
    wide = sheet.width - 180 - narrow - style.gap - 20
    bar_first = rng.random() < 0.5
    sheet.put(90, 70, sheet.title(4), style.bold)

    def bar(x: float) -> None:
        y = 160.0
        for _ in range(rng.randint(2, 4)):
            sheet.put(x, y, rng.choice(WORDS).capitalize(), style.bold)
            y += 1.4 * style.pitch
            for _ in range(rng.randint(3, 6)):
                sheet.put(
                    x, y, rng.choice((sheet.title(1), f"{rng.choice(FIRST)} {rng.choice(NAMES)}", sheet.title(2)))
                )
                y += style.pitch
            y += style.pitch

    if bar_first:
        bar(90)
    sheet.column(90 + (narrow + style.gap + 20) * bar_first, 160, wide, rng.randint(900, 1600))
    if not bar_first:
        bar(90 + wide + style.gap + 20)


def index(sheet: Sheet) -> None:
    """Draw an index: sorted short entries with page numbers in two to four columns."""
    rng, style = sheet.rng, sheet.style
    sheet.put(90, 70, "Index", style.bold)
    count = rng.choice((2, 3, 3, 4))
    rows = rng.randint(12, 36)
    entries = sorted(rng.sample(sorted({*WORDS, *(n.lower() for n in NAMES)}), min(190, count * rows)))
    width = (sheet.width - 180) / count
    for i, word in enumerate(entries[: count * rows]):
        pages = ", ".join(str(n) for n in sorted(rng.sample(range(1, 400), rng.choice((1, 1, 2, 3)))))
        if sheet.wide(f"{word}, {pages}") > width - 30:
            pages = pages.split(",")[0]
        sheet.put(90 + i // rows * width, 150 + i % rows * style.pitch, f"{word}, {pages}")


def cards(sheet: Sheet) -> None:
    """Draw address cards in a grid, read card by card, row by row."""
    rng, style = sheet.rng, sheet.style
    count, step = rng.choice((2, 3)), style.pitch * rng.choice((5.5, 6, 7))
    frame = rng.random() < 0.4
    for row in range(rng.randint(3, 6)):
        for column in range(count):
            x, y = 100 + column * (sheet.width - 180) / count, 110 + row * step
            if frame:
                sheet.draw.rectangle(
                    (x - 14, y - 14, x + (sheet.width - 180) / count - 40, y + step - 34), outline="black", width=2
                )
            sheet.put(x, y, f"{rng.choice(FIRST)} {rng.choice(NAMES)}")
            sheet.put(x, y + style.pitch, f"{rng.randint(1, 99)} {rng.choice(STREETS)} Street")
            sheet.put(x, y + 2 * style.pitch, f"{rng.randint(10000, 99999)} {rng.choice(TOWNS)}")
            if rng.random() < 0.6:
                sheet.put(x, y + 3 * style.pitch, f"Tel. {rng.randint(100, 999)} {rng.randint(1000, 9999)}")


def menu(sheet: Sheet) -> None:
    """Draw a menu: dishes with prices at the right, in one column or two."""
    rng, style = sheet.rng, sheet.style
    sheet.put(sheet.width / 2 - 80, 80, "Menu", style.bold)
    count = rng.choice((1, 2, 2))
    width = (sheet.width - 180 - 70 * (count - 1)) / count
    for i in range(count):
        x, y = 90 + i * (width + 70), 190.0
        for section in rng.sample(["Starters", "Mains", "Desserts", "Drinks", "Sides"], rng.randint(2, 3)):
            sheet.put(x, y, section, style.bold)
            y += 1.6 * style.pitch
            for dish in rng.sample(DISHES, rng.randint(3, 6)):
                price = f"{rng.randint(3, 29)}.{rng.choice(('00', '50', '90'))}"
                sheet.put(x, y, dish)
                sheet.put(x + width - sheet.wide(price), y, price)
                y += style.pitch * 1.25
            y += style.pitch


def form(sheet: Sheet) -> None:
    """Draw a form: labels and their values side by side, one pair or two a row."""
    rng, style = sheet.rng, sheet.style
    sheet.put(90, 80, sheet.title(3), style.bold)
    labels = _listed(
        "Name, Date of birth, Street, Town, Telephone, Account, Reference, Amount, Occupation, Nationality, "
        "Signed, Purpose"
    )
    pairs = rng.choice((1, 2))
    y, step = 190.0, style.pitch * rng.choice((1.2, 1.6, 2.0))
    for i, label in enumerate(rng.sample(labels, rng.randint(6, 12))):
        x = 90 + (i % pairs) * (sheet.width - 180) / pairs
        sheet.put(x, y, label + ":")
        sheet.put(
            x + 220,
            y,
            rng.choice((f"{rng.choice(FIRST)} {rng.choice(NAMES)}", sheet.title(2), str(rng.randint(100, 99999)))),
        )
        if i % pairs == pairs - 1:
            y += step


def _cell(sheet: Sheet, kind: str) -> str:
    rng = sheet.rng
    return {
        "name": lambda: rng.choice(GOODS) + rng.choice(("", f" {rng.randint(2, 40)} mm", " small", " large")),
        "number": lambda: f"{rng.randint(1, 9999):,}",
        "money": lambda: f"{rng.randint(1, 900)}.{rng.randint(0, 99):02}",
        "date": lambda: f"{rng.randint(1, 28):02}.{rng.randint(1, 12):02}.20{rng.randint(10, 26)}",
        "word": lambda: rng.choice(WORDS).capitalize(),
        "text": lambda: sheet.words(rng.randint(2, 14)),
    }[kind]()


def table(sheet: Sheet, top: float = 110, rows: int = 0) -> float:
    """Draw a table, ruled or open, numbers at the right of their cells, sentences in several lines; return its end."""
    rng, style = sheet.rng, sheet.style
    count = rng.randint(2, 6)
    kinds = [
        "name",
        *(rng.choice(("number", "money", "date", "word", "text" if count < 5 else "word")) for _ in range(count - 1)),
    ]
    width, ruled = (sheet.width - 180) / count, rng.choice(("all", "rows", "none", "none"))
    pad, centred = rng.choice((0.25, 0.5, 0.9)) * style.pitch, rng.random() < 0.4
    y, header, grouped = top, rng.random() < 0.8, ruled == "none" and rng.random() < 0.3
    for row in range(rows or rng.randint(4, 14)):
        cells = [
            sheet.title(1) if row == 0 and header else "" if rng.random() < 0.07 else _cell(sheet, k) for k in kinds
        ]
        lines = [sheet.broken(cell, width - 40) for cell in cells]
        tallest = max(map(len, lines))
        for i, (kind, cell) in enumerate(zip(kinds, lines, strict=True)):
            at = y + pad / 2 + (tallest - len(cell)) / 2 * style.pitch * centred
            for line in filter(None, cell):
                left = 90 + i * width + 14
                if kind in ("number", "money"):
                    left = 90 + (i + 1) * width - 26 - sheet.wide(line)
                sheet.put(left, at, line, style.bold if row == 0 and header and rng.random() < 0.01 else None)
                at += style.pitch
        bottom = y + pad + tallest * style.pitch
        if ruled != "none":
            sheet.rule(90, bottom, sheet.width - 90, bottom)
            sheet.rule(90, y, sheet.width - 90, y)
        if ruled == "all":
            for i in range(count + 1):
                sheet.rule(90 + i * width, y, 90 + i * width, bottom)
        y = bottom + (style.pitch if grouped and row % 4 == 3 else 0)
        if y > sheet.height - 200:
            break
    return y


def grid(sheet: Sheet) -> None:
    """Draw a table set tight and without rules: three to eight narrow columns of names, numbers and dates."""
    rng, style = sheet.rng, sheet.style
    count = rng.randint(3, 8 if style.size < 26 else 6)
    kinds = [
        rng.choice(("name", "word", "number")),
        *(rng.choice(("number", "money", "date", "word", "number")) for _ in range(count - 1)),
    ]
    width = rng.choice((1.0, 0.75)) * (sheet.width - 180) / count
    sheet.put(90, 70, sheet.title(3), style.bold)
    y = 150.0
    right = rng.random() < 0.6
    for row in range(rng.randint(5, 26)):
        for i, kind in enumerate(kinds):
            cell = sheet.title(1) if row == 0 else "" if rng.random() < 0.04 else _cell(sheet, kind)
            if cell and sheet.wide(cell) < width - 12:
                left = 90 + i * width
                if right and kind in ("number", "money"):
                    left += width - 14 - sheet.wide(cell)
                sheet.put(left, y, cell)
        y += style.pitch * (1.0 + 0.3 * (row == 0))


def two(sheet: Sheet) -> None:
    """Draw two layouts one above the other: columns and a table, or columns and a single column, either first."""
    rng, style = sheet.rng, sheet.style
    middle = rng.randint(650, 950)
    parts = [
        lambda top, bottom: columns(sheet, top, bottom, rng.choice((2, 2, 3))),
        rng.choice(
            (
                lambda top, bottom: table(sheet, top, rng.randint(4, 8)),
                lambda top, bottom: sheet.column(90, top, sheet.width - 180, bottom),
                lambda top, bottom: columns(sheet, top, bottom, 3),
            )
        ),
    ]
    rng.shuffle(parts)
    sheet.put(90, 80, sheet.title(4), style.bold)
    parts[0](160, middle)
    if rng.random() < 0.5:
        sheet.put(90, middle + 20, sheet.title(3), style.bold)
    parts[1](middle + 90, min(1620, middle + 90 + rng.randint(350, 700)))


def beside(sheet: Sheet) -> None:
    """Draw two columns, one of which holds a small table or a list beside the other's running text."""
    rng, style = sheet.rng, sheet.style
    width = (sheet.width - 180 - style.gap) / 2
    sheet.put(90, 80, sheet.title(4), style.bold)
    special = rng.choice((0, 1))
    for i in range(2):
        x = 90 + i * (width + style.gap)
        if i != special:
            sheet.column(x, 160, width, 1500)
            continue
        y = sheet.column(x, 160, width, rng.choice((160, 500, 800))) + style.pitch
        for _ in range(rng.randint(5, 14)):
            number = f"{rng.randint(1, 900)}.{rng.randint(0, 9)}"
            sheet.put(x + 10, y, _cell(sheet, "name"))
            sheet.put(x + width - 30 - sheet.wide(number), y, number)
            y += 1.2 * style.pitch
        if rng.random() < 0.6:
            sheet.column(x, y + style.pitch, width, 1500)


def contents(sheet: Sheet) -> None:
    """Draw a table of contents with leaders of dots."""
    rng, style = sheet.rng, sheet.style
    sheet.put(90, 80, "Contents", style.bold)
    y, page = 180.0, 1
    for chapter in range(1, rng.randint(8, 18)):
        page += rng.randint(1, 20)
        label = f"{chapter} {sheet.title(rng.randint(2, 4))}"
        dots = "." * int((sheet.width - 240 - sheet.wide(label) - 20) / sheet.wide("."))
        sheet.draw.text((90 + sheet.wide(label) + 8, y), dots, "black", style.regular)
        sheet.put(90, y, label)
        sheet.put(sheet.width - 130, y, str(page))
        y += 1.4 * style.pitch


def letter(sheet: Sheet) -> None:
    """Draw a letter: sender and date, an address, paragraphs, a list."""
    rng, style = sheet.rng, sheet.style
    y = 100.0
    for line in (
        f"{rng.choice(FIRST)} {rng.choice(NAMES)}",
        f"{rng.randint(1, 99)} {rng.choice(STREETS)} Street",
        f"{rng.randint(10000, 99999)} {rng.choice(TOWNS)}",
    ):
        sheet.put(90, y, line)
        y += style.pitch
    date = f"{rng.randint(1, 28)} May 20{rng.randint(10, 26)}"
    sheet.put(sheet.width - 90 - sheet.wide(date), y + style.pitch, date)
    y = sheet.column(90, y + 4 * style.pitch, sheet.width - 180, y + 12 * style.pitch) + style.pitch
    for i in range(rng.randint(3, 6)):
        sheet.put(120, y, f"{rng.choice(('-', '•')) if False else str(i + 1) + '.'} {sheet.words(rng.randint(3, 8))}")
        y += style.pitch
    sheet.column(90, y + style.pitch, sheet.width - 180, y + 9 * style.pitch)


def verse(sheet: Sheet) -> None:
    """Draw poems of short lines in two columns."""
    rng, style = sheet.rng, sheet.style
    sheet.put(90, 70, sheet.title(2), style.bold)
    for x in (110, sheet.width / 2 + rng.randint(0, 60)):
        y = 160.0
        for _ in range(rng.randint(2, 5)):
            for _ in range(rng.choice((3, 4, 4, 6))):
                sheet.put(x, y, sheet.words(rng.randint(3, 6)))
                y += style.pitch
            y += style.pitch


def lists(sheet: Sheet) -> None:
    """Draw lists of short items under headings, in two to four columns."""
    rng, style, count = sheet.rng, sheet.style, sheet.rng.choice((2, 3, 4))
    sheet.put(90, 70, sheet.title(3), style.bold)
    for i in range(count):
        x, y = 90 + i * (sheet.width - 180) / count, 170.0
        for _ in range(rng.randint(1, 3)):
            sheet.put(x, y, sheet.title(1), style.bold)
            y += 1.5 * style.pitch
            for _ in range(rng.randint(3, 9)):
                sheet.put(
                    x, y, rng.choice((sheet.title(1), sheet.title(2), f"{rng.choice(FIRST)} {rng.choice(NAMES)}"))
                )
                y += style.pitch
            y += style.pitch


def glossary(sheet: Sheet) -> None:
    """Draw terms at the left, each with its explanation in one or more lines beside it."""
    rng, style = sheet.rng, sheet.style
    y, inset = 120.0, rng.randint(220, 380)
    sheet.put(90, 60, "Glossary", style.bold)
    for _ in range(rng.randint(5, 12)):
        sheet.put(90, y, rng.choice((sheet.title(1), sheet.title(2))))
        y = sheet.paragraph(90 + inset, y, sheet.width - 180 - inset, sheet.words(rng.randint(4, 40)))
        y += rng.choice((0.3, 0.3, 0.8)) * style.pitch
        if y > sheet.height - 250:
            break


def receipt(sheet: Sheet) -> None:
    """Draw a receipt: name and address of a shop, goods with their prices, sums."""
    rng, style = sheet.rng, sheet.style
    width, y = rng.randint(420, 620), 80.0
    name = f"{rng.choice(NAMES)} & {rng.choice(NAMES)}"
    for line in (
        name,
        f"{rng.randint(1, 99)} {rng.choice(STREETS)} Street",
        f"20{rng.randint(10, 26)}-0{rng.randint(1, 9)}-12 14:{rng.randint(10, 59)}",
    ):
        sheet.put(90 + (width - sheet.wide(line)) / 2, y, line)
        y += style.pitch
    y += style.pitch
    goods = [(rng.choice(GOODS), rng.randint(100, 9000)) for _ in range(rng.randint(4, 14))]
    for label, cents in [*goods, ("TOTAL", sum(c for _, c in goods)), ("Cash", 10 * sum(c for _, c in goods))]:
        price = f"{cents / 100:.2f}"
        sheet.put(90, y, label if label in ("TOTAL", "Cash") else f"{rng.randint(1, 5)} x {label}")
        sheet.put(90 + width - sheet.wide(price), y, price)
        y += style.pitch
    sheet.put(90, y + style.pitch, "Thank you for your visit.")


KINDS: dict[str, Callable[[Sheet], object]] = {
    f.__name__: f
    for f in (
        paper,
        newsletter,
        sidebar,
        index,
        cards,
        menu,
        form,
        table,
        two,
        beside,
        contents,
        letter,
        verse,
        lists,
        glossary,
        receipt,
        grid,
    )
}


def fonts(folders: list[str]) -> list[tuple[str, str]]:
    """Return pairs of files, regular and bold, found in *folders* and in matplotlib's, which the tests depend on."""
    import matplotlib

    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pairs = [("DejaVuSans", "DejaVuSans-Bold"), ("DejaVuSerif", "DejaVuSerif-Bold"), ("STIXGeneral", "STIXGeneralBol")]
    found = [(str(own / f"{a}.ttf"), str(own / f"{b}.ttf")) for a, b in pairs]
    for folder in folders:
        for bold in sorted(Path(folder).glob("*Bold.ttf")):
            regular = Path(str(bold).replace("Bold", "Regular"))
            found += [(str(regular), str(bold))] if regular.is_file() else []
    return found


def draw(kind: str, seed: int, files: list[tuple[str, str]]) -> Sheet:
    """Return the page of *kind* for *seed*."""
    rng = random.Random(f"{kind} {seed}")
    unseen = seed >= 1000
    size = rng.choice((20, 25, 30) if unseen else (22, 26))
    regular, bold = rng.choice(files)
    style = Style(
        ImageFont.truetype(regular, size),
        ImageFont.truetype(bold, int(size * rng.choice((1.0, 1.3, 1.6)))),
        size,
        round(size * (rng.uniform(1.2, 1.7) if unseen else rng.choice((1.25, 1.4, 1.6)))),
        round(size * (rng.uniform(1.0, 3.0) if unseen else rng.choice((1.1, 1.5, 2.2)))),
        rng.random() < 0.5,
        rng.random() < 0.5,
    )
    sheet = Sheet(rng, style)
    KINDS[kind](sheet)
    return sheet


def main() -> int:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description="Draw pages of known text.")
    parser.add_argument("folder")
    parser.add_argument("--seeds", default="0-4", help="FIRST-LAST")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--fonts", nargs="+", default=[])
    given = parser.parse_args()
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    first, last = map(int, given.seeds.split("-"))
    for seed in range(first, last + 1):
        for kind in given.kinds:
            sheet = draw(kind, seed, fonts(given.fonts))
            sheet.image.save(folder / f"{kind}-{seed}.png")
            (folder / f"{kind}-{seed}.txt").write_text("\n".join(sheet.lines), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
