"""A page that is drawn line by line, and remembers its text in the order of reading; words and names to fill it."""

import random
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont


def listed(text: str) -> list[str]:
    """Return the words of *text*, which commas part."""
    return text.split(", ")


WORDS = listed(
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
NAMES = listed(
    "Abel, Baker, Carter, Dunn, Evans, Foster, Grant, Hayes, Irwin, Jonas, Keller, Lane, Moss, Nolan, Owens, "
    "Price, Quinn, Reed"
)
FIRST = listed(
    "Anna, Bob, Carl, Dora, Emil, Fay, Gus, Hana, Ivan, Jill, Karl, Lena, Max, Nora, Otto, Pia, Rolf, Sara, Tom, Uma"
)
STREETS = listed("Mill, Oak, Park, High, Station, Church, Garden, River, Lake, Bridge")
TOWNS = listed("Ashford, Bedale, Colby, Denton, Epping, Frome, Goole, Hythe, Ilkley, Kelso")
GOODS = listed(
    "Bolt, Nut, Washer, Hinge, Bracket, Cable, Socket, Switch, Valve, Pump, Filter, Hose, Lamp, Motor, Belt, "
    "Bearing, Spring"
)
DISHES = listed(
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
