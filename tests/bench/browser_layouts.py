"""Layouts for pages set by a browser: each function returns the HTML of one and logs its texts in reading order.

Made after the rules of `dropscribe.layout` and independent of `layouts.py`: real sentences, real line breaking, CSS.
"""

import html
import random
from dataclasses import dataclass, field

import prose

SHY = "\u00ad"


@dataclass
class Leaf:
    """One page being written: its dice, its size of letters in pixels, and its texts in the order of reading."""

    rng: random.Random
    size: int
    hyphenate: bool
    texts: list[str] = field(default_factory=list)

    def tag(self, name: str, text: str, style: str = "") -> str:
        """Return *text* as an element, logged as the next text."""
        self.texts.append(text)
        return f'<{name} style="{style}">{self._shy(text)}</{name}>'

    def p(self, words: int, style: str = "") -> str:
        """Return a paragraph of about *words* words."""
        return self.tag("p", prose.paragraph(self.rng, words), style)

    def lines(self, lines: list[str], style: str = "") -> str:
        """Return *lines*, each on a line of its own."""
        self.texts += lines
        return f'<p style="text-align:left;{style}">{"<br>".join(map(html.escape, lines))}</p>'

    def head(self, name: str, words: int) -> str:
        """Return a heading."""
        return self.tag(name, prose.heading(self.rng, words))

    def _shy(self, text: str) -> str:
        words = text.split(" ")
        if self.hyphenate:
            words = [w[: len(w) // 2] + SHY + w[len(w) // 2 :] if len(w) > 8 and w.isalpha() else w for w in words]
        return html.escape(" ".join(words))


def newsletter(leaf: Leaf) -> str:
    """Two or three columns of articles under a masthead, one of them boxed."""
    rng = leaf.rng
    mast = leaf.tag("h1", f"The {rng.choice(prose.TOWNS)} Letter", "border-bottom:3px solid;text-align:center")
    mast += leaf.tag("p", f"No. {rng.randint(2, 99)}, May 20{rng.randint(10, 26)}", "text-align:center")
    articles = ""
    for i in range(rng.randint(4, 6)):
        body = leaf.head("h3", rng.randint(2, 5)) + leaf.p(rng.randint(50, 110)) + leaf.p(rng.randint(30, 80))
        boxed = "border:2px solid;padding:12px;break-inside:avoid" if i == 2 and rng.random() < 0.5 else ""
        articles += f'<div style="{boxed}">{body}</div>'
    return mast + _columns(leaf, articles, rng.choice((2, 3, 3)))


def paper(leaf: Leaf) -> str:
    """A paper: title and authors across, an abstract, two columns, and a figure in one of them with its caption."""
    rng = leaf.rng
    top = leaf.tag("h1", prose.heading(rng, 6), "text-align:center") + leaf.tag(
        "p", f"{prose.person(rng)}, {prose.person(rng)}", "text-align:center"
    )
    top += leaf.p(60, "margin:0 12% 20px;font-size:90%")
    body = ""
    for i in range(1, 5):
        body += leaf.tag("h3", f"{i} {prose.heading(rng, 3)}") + leaf.p(rng.randint(70, 120))
        if i == rng.choice((1, 2)):
            caption = leaf.tag("figcaption", f"Figure {i}. {prose.heading(rng, 7)}.", "font-size:85%")
            body += f'<figure style="break-inside:avoid;margin:10px 0">{_chart(rng)}{caption}</figure>'
        body += leaf.p(rng.randint(40, 90))
    return top + _columns(leaf, body, 2)


def index(leaf: Leaf) -> str:
    """An index: short entries with page numbers and sub-entries in three columns, letters as headings."""
    rng = leaf.rng
    words = sorted({w.lower() for s in prose.sentences() for w in s.split() if w.isalpha() and len(w) > 4})
    entries, letter = "", ""
    leaf.texts.append("Index")
    for word in sorted(rng.sample(words, rng.randint(70, 110))):
        if word[0] != letter:
            letter = word[0]
            entries += leaf.tag("p", letter.upper(), "font-weight:bold;margin:.5em 0 0;break-after:avoid")
        entries += leaf.tag("p", f"{word}, {_numbers(rng)}", "margin:0 0 0 1em;text-indent:-1em")
        if rng.random() < 0.15:
            sub = f"{rng.choice(words)}, {rng.randint(1, 400)}"
            entries += leaf.tag("p", sub, "margin:0 0 0 2em")
    return "<h1>Index</h1>" + _columns(leaf, entries, 3)


def menu(leaf: Leaf) -> str:
    """A menu card: sections of dishes with prices at the right, and below some of them a line of description."""
    rng, sections = leaf.rng, ""
    top = leaf.tag("h1", f"Restaurant {rng.choice(prose.TOWNS)}", "text-align:center")
    for name in rng.sample(["Starters", "Mains", "Desserts", "Drinks"], 3):
        body = leaf.tag("h2", name)
        for dish in rng.sample(prose.DISHES, rng.randint(3, 5)):
            price = f"{rng.randint(3, 29)}.{rng.choice(('00', '50', '90'))}"
            leaf.texts.append(f"{dish} {price}")
            body += f'<div style="display:flex;justify-content:space-between"><b>{dish}</b><span>{price}</span></div>'
            if rng.random() < 0.5:
                body += leaf.tag("p", prose.heading(rng, 6).lower(), "margin:0 0 .6em;font-style:italic")
        sections += f'<div style="break-inside:avoid">{body}</div>'
    return top + (sections if rng.random() < 0.5 else _columns(leaf, sections, 2))


def cards(leaf: Leaf) -> str:
    """Business cards, two or three a row, framed or not, centred or not."""
    rng, cells = leaf.rng, ""
    frame, centre = rng.choice(("border:1px solid #888;", "")), rng.choice(("text-align:center;", ""))
    for _ in range(rng.randint(2, 4) * (count := rng.choice((2, 2, 3)))):
        lines = [prose.person(rng), rng.choice(("Engineer", "Sales Manager", "Attorney at Law", "Architect"))]
        lines += [*prose.address(rng), f"Tel. {rng.randint(100, 999)} {rng.randint(1000, 9999)}"]
        first = leaf.lines(lines[:1], centre + "font-size:125%;margin:0")
        cells += f'<div style="{frame}padding:24px">{first}{leaf.lines(lines[1:], centre + "margin:.4em 0 0")}</div>'
    return f'<div style="display:grid;grid-template-columns:repeat({count},1fr);gap:30px">{cells}</div>'


def form(leaf: Leaf) -> str:
    """A form: labels above or beside fields in boxes, some filled; headings; boxes to tick."""
    rng = leaf.rng
    top = leaf.tag("h2", "Application for " + prose.heading(rng, 3).lower()) + leaf.p(30)
    labels = "Family name,First name,Date of birth,Street,Town,Telephone,Occupation,Nationality,Account,Reference"
    above, rows = rng.random() < 0.5, ""
    for label in rng.sample(labels.split(","), 8):
        value = rng.choice((prose.person(rng), str(rng.randint(1000, 99999)), rng.choice(prose.TOWNS), ""))
        leaf.texts += [label, value] if value else [label]
        box = f'<div style="border:1px solid;padding:4px 8px;min-height:1.3em;flex:1">{value}</div>'
        way = "column" if above else "row"
        style = f"display:flex;flex-direction:{way};margin:8px 0;gap:4px 16px"
        rows += f'<div style="{style}"><div style="width:12em">{label}</div>{box}</div>'
    signed = "margin-top:3em;border-top:1px solid"
    return top + rows + leaf.p(40) + leaf.tag("p", "Place, date and signature", signed)


def invoice(leaf: Leaf) -> str:
    """An invoice: two addresses side by side, a table with empty and wrapped cells, totals, terms."""
    rng = leaf.rng
    ours, theirs = ([prose.person(rng), *prose.address(rng)] for _ in range(2))
    top = '<div style="display:flex;justify-content:space-between">' + leaf.lines(theirs) + leaf.lines(ours) + "</div>"
    top += leaf.tag("h2", f"Invoice {rng.randint(1000, 9999)}")
    rule = rng.choice(("border-bottom:1px solid", "border:1px solid", ""))
    cell = f"padding:6px 10px;vertical-align:top;{rule}"
    rows, total = _row(leaf, ["Pos.", "Description", "Qty", "Unit price", "Amount"], cell), 0
    for i in range(1, rng.randint(5, 9)):
        wrapped = rng.choice(("", "", ", " + prose.heading(rng, 12).lower()))
        count, price = rng.randint(1, 20), rng.randint(100, 9000)
        total += count * price
        unit = f"{price / 100:.2f}" if rng.random() < 0.8 else ""
        row = [str(i), rng.choice(prose.GOODS).capitalize() + wrapped, str(count), unit, f"{count * price / 100:.2f}"]
        rows += _row(leaf, row, cell)
    rows += _row(leaf, ["", "Total", "", "", f"{total / 100:.2f}"], cell)
    return top + f'<table style="border-collapse:collapse;width:100%">{rows}</table>' + leaf.p(30, "margin-top:2em")


def two(leaf: Leaf) -> str:
    """Two layouts on one page: columns of text and below them a table, a list of terms, or text across."""
    rng = leaf.rng
    first = leaf.head("h2", 4) + _columns(leaf, leaf.p(90) + leaf.p(80) + leaf.p(60), rng.choice((2, 3)))
    second = leaf.head("h2", 3)
    which = rng.choice(("table", "across", "cards"))
    if which == "table":
        cell, rows = "padding:4px 10px;border-bottom:1px solid #999", ""
        for _ in range(rng.randint(4, 8)):
            rows += _row(leaf, [rng.choice(prose.GOODS), str(rng.randint(1, 999)), rng.choice(prose.TOWNS)], cell)
        return first + second + f'<table style="width:100%;border-collapse:collapse">{rows}</table>'
    if which == "across":
        return first + second + leaf.p(90) + leaf.p(60)
    return first + second + cards(leaf)


def receipt(leaf: Leaf) -> str:
    """A receipt in letters of one pitch: shop, goods with prices, totals, thanks."""
    rng = leaf.rng
    shop = f"{rng.choice(prose.NAMES)} & {rng.choice(prose.NAMES)}"
    top = leaf.lines([shop, *prose.address(rng)], "text-align:center")
    rows, total = "", 0
    for _ in range(rng.randint(6, 14)):
        price = rng.randint(50, 4000)
        total += price
        rows += _pair(leaf, f"{rng.randint(1, 4)} {rng.choice(prose.GOODS).upper()}", f"{price / 100:.2f}")
    rows += "<br>" + _pair(leaf, "TOTAL EUR", f"{total / 100:.2f}") + _pair(leaf, "VISA", f"{total / 100:.2f}")
    stamp = f"20{rng.randint(10, 26)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)} 14:{rng.randint(10, 59)}"
    end = leaf.lines([stamp, "Thank you for your visit"], "text-align:center")
    style = f"width:{rng.randint(16, 22)}em;margin:0 auto;font-family:DejaVu Sans Mono"
    return f'<div style="{style}">{top}{rows}{end}</div>'


def letter(leaf: Leaf) -> str:
    """A letter: sender, address block, date at the right, salutation, paragraphs, a list, a signature, a footer."""
    rng = leaf.rng
    body = leaf.lines([prose.person(rng), *prose.address(rng)], "margin-left:62%")
    body += leaf.lines([prose.person(rng), *prose.address(rng)])
    date = f"{rng.choice(prose.TOWNS)}, {rng.randint(1, 28)} May 20{rng.randint(10, 26)}"
    body += leaf.tag("p", date, "text-align:right")
    body += leaf.tag("p", f"Dear {rng.choice(prose.FIRST)},") + leaf.p(60) + leaf.p(50)
    items = "".join(f"<li>{leaf.tag('span', prose.heading(rng, 8))}</li>" for _ in range(rng.randint(3, 5)))
    body += f"<ul>{items}</ul>" + leaf.p(40) + leaf.lines(["Yours sincerely,", prose.person(rng)])
    foot = "display:flex;justify-content:space-between;border-top:1px solid;font-size:75%"
    bank = ["Bank of " + rng.choice(prose.TOWNS), f"IBAN {rng.randint(10**9, 10**10)}"], ["Tel. 555 1234", "VAT 77123"]
    return body + f'<div style="{foot}">{"".join(leaf.lines(lines, "margin:0") for lines in bank)}</div>'


def margin(leaf: Leaf) -> str:
    """Running text with short notes in smaller letters in the margin, and sometimes a line of text up the margin."""
    rng, body, notes = leaf.rng, leaf.head("h2", 4), []
    left = rng.random() < 0.5
    for i in range(rng.randint(4, 6)):
        block = leaf.p(rng.randint(50, 90))
        if rng.random() < 0.6 or i == 0:
            notes.append(prose.heading(rng, rng.randint(4, 9)))
            place = f"{'left' if left else 'right'}:-11em;width:9.5em;top:0;font-size:80%;text-align:left"
            block += f'<div style="position:absolute;{place}">{html.escape(notes[-1])}</div>'
        body += f'<div style="position:relative">{block}</div>'
    leaf.texts += notes
    if rng.random() < 0.4:
        notice = f"Printed in {rng.choice(prose.TOWNS)} by {prose.person(rng)}, all rights reserved"
        body += (
            f'<div style="position:absolute;{"right" if left else "left"}:18px;top:400px;font-size:70%;'
            f'writing-mode:vertical-rl;transform:rotate(180deg)">{notice}</div>'
        )
        leaf.texts.append(notice)
    return f'<div style="margin-{"left" if left else "right"}:10em">{body}</div>'


def vertical(leaf: Leaf) -> str:
    """Chinese or Japanese set in columns from right to left, with a heading, in one or two storeys."""
    rng = leaf.rng
    text = rng.choice((prose.JAPANESE, prose.JAPANESE, prose.CHINESE))
    storeys = rng.choice((1, 1, 2))
    pages = ""
    for _ in range(storeys):
        body = leaf.tag("h2", prose.clause(rng, text, 4)[:8].rstrip("。，"))
        body += "".join(leaf.tag("p", prose.clause(rng, text, rng.randint(60, 130)), "margin:0 .4em") for _ in range(3))
        way = f"writing-mode:vertical-rl;width:1060px;height:{1300 if storeys == 1 else 620}px;margin-bottom:80px"
        pages += f'<div style="{way}">{body}</div>'
    return f'<div style="font-family:Noto Serif CJK JP;font-size:130%">{pages}</div>'


def manual(leaf: Leaf) -> str:
    """A page of a manual: text with hyphens, steps of a list, code with its indentation, text after it."""
    rng = leaf.rng
    name, other = rng.sample(["total", "count", "result", "buffer", "index"], 2)
    code = [
        f"def {name}_of({other}):",
        f"    for item in {other}:",
        f"        if item > {rng.randint(1, 9)}:",
        f"            {name} = item + {rng.randint(10, 99)}",
        f"    return {name}",
    ]
    body = leaf.head("h2", 3) + leaf.p(60)
    steps = [prose.heading(rng, 9) for _ in range(4)]
    items = "".join(f"<li>{html.escape(step)}</li>" for step in steps)
    leaf.texts += [f"{i}. {step}" for i, step in enumerate(steps, 1)]
    body += f"<ol>{items}</ol>" + leaf.p(40)
    leaf.texts += code
    style = "background:#eee;padding:12px;font-family:DejaVu Sans Mono"
    body += f'<pre style="{style}">{html.escape(chr(10).join(code))}</pre>'
    return body + leaf.head("h3", 3) + leaf.p(80) + leaf.p(30)


def sidebar(leaf: Leaf) -> str:
    """An article with a grey box beside it that holds facts as a list of names and values, read after the article."""
    rng = leaf.rng
    top = leaf.head("h1", 5)
    main = "".join(leaf.p(rng.randint(60, 110)) for _ in range(4))
    facts = leaf.tag("h3", "Facts") + "".join(
        _pair(leaf, rng.choice(prose.TOWNS), str(rng.randint(10, 999))) for _ in range(rng.randint(5, 9))
    )
    facts += leaf.lines([prose.heading(rng, 3) for _ in range(3)])
    aside = f'<div style="background:#e8e8e8;padding:14px;width:15em;align-self:start">{facts}</div>'
    return top + f'<div style="display:flex;gap:36px"><div style="flex:1">{main}</div>{aside}</div>'


KINDS = {f.__name__: f for f in (
    newsletter, paper, index, menu, cards, form, invoice, two, receipt, letter, margin, vertical, manual, sidebar,
)}  # fmt: skip


def _columns(leaf: Leaf, body: str, count: int) -> str:
    gap = leaf.rng.choice((0.9, 1.3, 2.0, 2.8)) * leaf.size
    rule = leaf.rng.choice(("", "", "column-rule:1px solid #777;"))
    return f'<div style="columns:{count};column-gap:{gap}px;{rule}">{body}</div>'


def _row(leaf: Leaf, cells: list[str], style: str) -> str:
    leaf.texts.append(" ".join(filter(None, cells)))
    aligned = [style + (";text-align:right" if c[:1].isdigit() and i else "") for i, c in enumerate(cells)]
    written = [f'<td style="{s}">{html.escape(c)}</td>' for s, c in zip(aligned, cells, strict=True)]
    return "<tr>" + "".join(written) + "</tr>"


def _pair(leaf: Leaf, label: str, value: str) -> str:
    leaf.texts.append(f"{label} {value}")
    return f'<div style="display:flex;justify-content:space-between"><span>{label}</span><span>{value}</span></div>'


def _numbers(rng: random.Random) -> str:
    return ", ".join(str(n) for n in sorted(rng.sample(range(1, 400), rng.choice((1, 1, 2, 3)))))


def _chart(rng: random.Random) -> str:
    points = " ".join(f"{x},{rng.randint(10, 190)}" for x in range(10, 400, 40))
    line = f'<polyline points="{points}" fill="none" stroke="black"/>'
    return f'<svg width="400" height="200" style="border:1px solid">{line}</svg>'
