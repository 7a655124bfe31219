"""Layouts of running text: papers, newsletters, letters, poems, an index, and two layouts on one page."""

from grid_layouts import content, table
from sheets import FIRST, NAMES, STREETS, TOWNS, WORDS, Sheet


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
            sheet.put(x + 10, y, content(sheet, "name"))
            sheet.put(x + width - 30 - sheet.wide(number), y, number)
            y += 1.2 * style.pitch
        if rng.random() < 0.6:
            sheet.column(x, y + style.pitch, width, 1500)


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
