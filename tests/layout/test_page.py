"""A page put together: joining, tables, headings, lists and Markdown, on lines alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dropscribe.layout.geometry import Quad
from dropscribe.layout.lines import Line
from dropscribe.layout.markdown import aligned, escaped
from dropscribe.layout.marks import Marks
from dropscribe.layout.page import Style, assemble
from dropscribe.layout.paragraphs import joined

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def box(x0: float, y0: float, x1: float, y1: float) -> Quad:
    """Return an upright quad."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def at(x: float, y: float, text: str, height: float = 20) -> Line:
    """Return a line of *text* in letters of half their height."""
    return Line(box(x, y, x + 0.5 * height * len(text), y + height), text, 1.0)


def shown(markdown: str) -> str:
    """Return what a reader of *markdown* sees, lines and all."""
    texts: list[str] = []
    for token in MARKDOWN.parse(markdown):
        for child in token.children or [token]:
            texts.append("\n" if child.type in ("softbreak", "hardbreak") else child.content)
    return "".join(texts)


def table(rows: list[list[str]], pitch: float = 30, width: float = 200) -> list[Line]:
    """Return the lines of a table whose cells begin below each other."""
    return [
        at(50 + j * width, 100 + i * pitch, cell) for i, row in enumerate(rows) for j, cell in enumerate(row) if cell
    ]


def test_words_are_joined_with_a_blank_and_chinese_without() -> None:
    words = [Line(box(10, 10, 60, 30), "two", 1), Line(box(64, 10, 120, 30), "words", 1)]
    chinese = [Line(box(10, 10, 60, 30), "土地", 1), Line(box(62, 10, 120, 30), "整治", 1)]

    assert assemble(words, 200, 50).text == "two words"
    assert assemble(chinese, 200, 50).text == "土地整治"


def test_chinese_cells_of_a_table_stay_apart() -> None:
    cells = [Line(box(10, 10, 60, 30), "名称", 1), Line(box(150, 10, 190, 30), "比例", 1)]

    assert assemble(cells, 200, 50).text == "名称 比例"


def test_a_wide_gap_between_lines_begins_a_paragraph() -> None:
    lines = [Line(box(10, y, 400, y + 20), text, 1) for y, text in ((10, "one"), (34, "two"), (100, "three"))]

    assert assemble(lines, 500, 200).text == "one\ntwo\n\nthree"


def test_blocks_keep_their_confidence_and_lie_on_the_page() -> None:
    (block,) = assemble([Line(box(-5, 10, 220, 30), "edge to edge", 0.75)], 200, 25).blocks

    assert block.box == (0, 10, 200, 25)
    assert (block.label, block.confidence) == ("text", 0.75)


@pytest.mark.parametrize(
    "text",
    [
        "# 1", "- a_b", "2. <b>*c*", "+49 30 1234", "1. one", "a * b * c", "snake_case and _this_", "~~gone~~", "---",
        "> quoted", "[a](b)", "[a]: b", "&amp; &copy;", "back\\slash \\* end\\", "`code`", "===", "a <- b < c",
        "| a | b |", "#hash", "1986. A great year", "***", "$x_1$", "![p](q)", "<https://a.b>", "foo@bar.com", "* item",
    ],
)  # fmt: skip
def test_markdown_shows_what_was_printed(text: str) -> None:
    assert shown(escaped(text)) == text


@given(st.lists(st.text("ab1 #-+*_`~<>[]()|!.&;=\\:", min_size=1, max_size=12), min_size=1, max_size=3))
def test_markdown_shows_any_text_as_it_stands(lines: list[str]) -> None:
    text = "\n".join(stripped for line in lines if (stripped := line.strip()))

    assert " ".join(shown(escaped(text)).split()) == " ".join(text.split())


def test_what_is_no_markup_is_not_escaped() -> None:
    for text in ("+49 30 1234", "snake_case", "#hash", "a <- b", "C:\\dir", "x = 3 (4)", "5 > 3", "a. b", "it's"):
        assert escaped(text) == text


def test_rows_and_columns_become_a_table_with_its_empty_cells() -> None:
    rows = [["Name", "Age", "Town"], ["Anna", "31", "Goole"], ["Bob", "", "Hythe"], ["Carl", "45", "Frome"]]
    done = assemble(table(rows), 700, 300)

    assert done.markdown.count("<tr>") == 4
    assert "<tr><td>Bob</td><td></td><td>Hythe</td></tr>" in done.markdown
    assert done.text.splitlines()[2] == "Bob        Hythe"
    assert [block.label for block in done.blocks] == ["table"] * 11


def test_a_table_may_be_written_in_markdown() -> None:
    rows = [["Name", "Sum"], ["A|B", "1.50"], ["C_D_", "12.00"], ["E", "3.00"]]
    done = assemble(table(rows), 700, 300, style=Style(html_tables=False))

    cells = [child.content for t in MARKDOWN.parse(done.markdown) for child in t.children or []]
    assert cells == [cell for row in rows for cell in row]


def test_lines_of_a_cell_are_joined() -> None:
    lines = table([["Word", "What it means"], ["box", "a thing that"], ["cup", "holds tea"], ["jar", "has a lid"]], 60)
    more = at(250, 182, "holds things")

    assert "<td>a thing that holds things</td>" in assemble([*lines, more], 700, 400).markdown


def test_numbers_stand_at_the_right_of_their_column() -> None:
    assert aligned([["Bolt", "9.50"], ["Nut", "120.00"]]) == "Bolt    9.50\nNut   120.00"


def test_a_line_in_large_letters_is_a_heading() -> None:
    body = [at(50, 140 + 28 * i, "and so the text goes on through the lines of it") for i in range(5)]
    done = assemble([at(50, 60, "Large words", 40), *body], 700, 400)

    assert done.markdown.startswith("# Large words\n\nand so")
    assert done.text.startswith("Large words\n")


def test_items_become_a_list_and_keep_their_numbers() -> None:
    bullets = assemble([at(50, 100 + 28 * i, f"• item number {i}") for i in range(3)], 700, 300)
    numbers = assemble([at(50, 100 + 28 * i, f"{i}. some words") for i in (1, 2, 3)], 700, 300)

    assert bullets.markdown == "- item number 0\n- item number 1\n- item number 2"
    assert numbers.markdown == "1. some words\n2. some words\n3. some words"


def test_lines_of_an_address_keep_their_breaks_and_those_of_a_paragraph_flow() -> None:
    address = [at(50, 100 + 28 * i, text) for i, text in enumerate(("Anna Baker", "7 Mill Street at the end", "Goole"))]
    full = "these lines are full and all of them as long"
    paragraph = [at(50, 100 + 28 * i, full) for i in range(4)]

    assert assemble(address, 700, 300).markdown == "Anna Baker  \n7 Mill Street at the end  \nGoole"
    assert assemble(paragraph, 700, 300).markdown == "\n".join([full] * 4)
    assert assemble(paragraph, 700, 300, style=Style(join=True)).text == " ".join([full] * 4)


def test_code_keeps_its_indentation_in_a_fence() -> None:
    code = ["def f(x):", "    if x == 1:", "        return g(x)", "    return [x]"]
    lines = [at(50 + 10 * (len(c) - len(c.lstrip())), 100 + 26 * i, c.lstrip()) for i, c in enumerate(code)]

    assert assemble(lines, 700, 300).markdown == "```\n" + "\n".join(code) + "\n```"


def test_a_head_above_two_columns_leaves_them_apart_where_a_rule_runs_down() -> None:
    cells = [["", "Accuracy", "Time"], ["Blind", "34.5%", "1199 s"], ["Low", "98.3%", "1716 s"], ["Deft", "95%", "9 s"]]
    lines = [at(50, 60, "Kind"), at(300, 60, "Results of the test"), *table(cells, pitch=60)]
    ruled = Marks(upright=tuple((x, 50.0, x + 2, 310.0) for x in (240.0, 440.0)))
    style = Style(html_tables=False)

    assert assemble(lines, 700, 400, ruled, style).markdown.splitlines()[-1] == "| Deft | 95% | 9 s |"
    assert "Accuracy Time" in assemble(lines, 700, 400, style=style).markdown


def test_sentences_set_solid_about_code_stay_outside_its_fence() -> None:
    code = ["$ echo $LANG", "en_US.UTF-8", "$ LANG=fr_FR.UTF-8 date -u", "mer. 19 mai 2021 15:19:02 UTC"]
    rows = [
        "Type these commands one after the other (as yourself).",
        *code,
        "Here the program date has another language.",
    ]
    lines = [at(50, 100 + 26 * i, text) for i, text in enumerate(rows)]
    for i in (0, -1):  # set in letters of various widths, narrower on the whole
        lines[i] = Line(box(50, lines[i].quad[0, 1], 50 + 8 * len(rows[i]), lines[i].quad[2, 1]), rows[i], 1.0)
    page = assemble(lines, 700, 300)

    assert page.markdown == "\n\n".join([escaped(rows[0]), "```\n" + "\n".join(code) + "\n```", escaped(rows[-1])])
    assert page.text == "\n".join(rows)


@pytest.mark.parametrize("pitch", [30, 70])
@pytest.mark.parametrize(
    "sums",
    [[["", "", "Sum", "206.55"]], [["", "", "Net", "173.57"], ["", "", "VAT 19%", "32.98"], ["", "", "Sum", "206.55"]]],
)
def test_sums_below_the_items_of_an_invoice_are_rows_of_their_own(sums: list[list[str]], pitch: float) -> None:
    items = [["Item", "Qty", "Price", "Amount"], ["Lamp", "4", "46.20", "184.80"], ["Cable 2 m", "3", "7.25", "21.75"]]
    written = assemble(table(items + sums, pitch), 900, 700, style=Style(html_tables=False)).markdown.splitlines()

    rows = [" | ".join(row) for row in items[1:] + sums]
    assert [line.strip("| ").strip() for line in written[2:]] == [row.lstrip("| ") for row in rows]


@given(st.lists(st.tuples(st.text("ab {}。", min_size=1, max_size=20), st.integers(1, 600)), min_size=1, max_size=6))
def test_lines_of_any_widths_are_put_together(rows: list[tuple[str, int]]) -> None:
    lines = [Line(box(50, 100 + 26 * i, 50 + width, 120 + 26 * i), text, 1.0) for i, (text, width) in enumerate(rows)]

    assert sorted("".join(assemble(lines, 700, 300).text.split())) == sorted(
        "".join("".join(t.split()) for t, _ in rows)
    )


def test_hyphens_at_line_ends_go_unless_the_page_shows_the_compound() -> None:
    assert joined(["an inter-", "esting thing"], set()) == "an interesting thing"
    assert joined(["a well-", "known thing"], {"well-known"}) == "a well-known thing"
    assert joined(["from 1990-", "to now, A-", "b"], set()) == "from 1990-to now, A-b"
    assert joined(["这是第一", "行的文字"], set()) == "这是第一行的文字"


def test_lines_joined_across_a_gutter_are_cut_where_the_white_goes_on() -> None:
    """The recogniser says where each letter stands, the pixels where white is."""
    left, right = "some words of a line", "and others beside it"
    text = f"{left} {right}"
    places = tuple((i + 0.5) / len(text) for i in range(len(text)))
    hole = (len(left) / len(text), (len(left) + 1) / len(text))
    joint = [Line(box(50, 100 + 30 * i, 870, 122 + 30 * i), text, 1.0, places, (hole,)) for i in range(6)]

    assert assemble(joint, 900, 400).text.split("\n\n") == ["\n".join([left] * 6), "\n".join([right] * 6)]
    assert text in assemble(joint[:2], 900, 400).text
