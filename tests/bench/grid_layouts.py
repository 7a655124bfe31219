"""Layouts that are read across or block by block: tables, forms, menus, receipts, cards, lists."""

from sheets import DISHES, FIRST, GOODS, NAMES, STREETS, TOWNS, WORDS, Sheet, listed


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
    labels = listed(
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


def content(sheet: Sheet, kind: str) -> str:
    """Return what may stand in a cell of *kind*."""
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
            sheet.title(1) if row == 0 and header else "" if rng.random() < 0.07 else content(sheet, k) for k in kinds
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
            cell = sheet.title(1) if row == 0 else "" if rng.random() < 0.04 else content(sheet, kind)
            if cell and sheet.wide(cell) < width - 12:
                left = 90 + i * width
                if right and kind in ("number", "money"):
                    left += width - 14 - sheet.wide(cell)
                sheet.put(left, y, cell)
        y += style.pitch * (1.0 + 0.3 * (row == 0))


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
