"""Markdown of answers that try to act: judged by what a renderer that lets HTML through makes of it."""

import random

import lxml.html
import pytest
from markdown_it import MarkdownIt

from dropscribe.formats.safe_markdown import TAGS, harmless

OF_MARKDOWN = {"p", "a", "img", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}
ATTRIBUTES = {"colspan", "rowspan", "href", "src", "alt", "title", "start", "class", "style"}
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# The strictest reading of an address is the browser's, so a renderer that refuses none is the judge.
RENDERER.validateLink = lambda url: True  # type: ignore[method-assign]


def faults(markdown: str) -> list[str]:
    """Return what would act in *markdown* once it is rendered."""
    found = []
    for element in lxml.html.fragment_fromstring(RENDERER.render(markdown), create_parent="main").iter():
        if not isinstance(element.tag, str) or element.tag not in TAGS | OF_MARKDOWN | {"main", "del"}:
            found.append(f"tag {element.tag}")
        found += [f"attribute {name}" for name in element.attrib if name not in ATTRIBUTES]
        for name in ("href", "src"):
            address = "".join(element.get(name, "").split()).lower()
            scheme = address.partition(":")[0] if ":" in address else ""
            if scheme not in ("", "http", "https", "mailto") or (
                name == "src" and (scheme or address.startswith("//"))
            ):
                found.append(f"{name} {address}")
    return found


ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT\n>alert(1)</SCRIPT>",
    "<img src=x onerror=alert(1)>",
    '<table onclick="x"><tr><td style="background:url(//e.org)">a</td></tr></table>',
    "<table>\n\\<script>alert(1)</script>\n</table>",
    "<table>\n```\n<script>alert(1)</script>\n```\n</table>",
    "- item\n\n  ```\n  code\n\n<script>x</script>",
    "> ```\n\n<script>x</script>",
    "<iframe src=//e.org></iframe><svg/onload=x><math><base href=//e.org><style>@import'//e.org'</style>",
    "![a](http://e.org/a.png)",
    "![a](//e.org/a.png)",
    "![a](<http://e.org/a.png>)",
    "![a](&#104;ttp&#58;//e.org/a.png)",
    "![a](\nhttp://e.org/a.png)",
    "![a][r]\n\n[r]: http://e.org/a.png",
    "![r]\n\n[r]:\nhttp://e.org/a.png",
    "[![a](http://e.org/a.png)](http://e.org)",
    "![a ![b](b.png)](http://e.org/a.png)",
    "\\![a](javascript:x)",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java\\script:x)",
    "[a](javascript&colon;x)",
    "[a](&#x6a;avascript:x)",
    "[a](\n javascript:x)",
    "[a](<javascript:x>)",
    "[a](data:text/html,x)",
    "[a](vbscript:x 'title')",
    "[a][r]\n\n[r]: javascript:x",
    "[a][r]\n\n[r]: <javascript:x>",
    "> [r]: javascript:x\n\n[r]",
    "<javascript:x>",
    "<a href=javascript:x>a</a>",
    "<div>\n![<script>alert(1)</script>](a.png)\n</div>",
    "<table><tr><td>![<img src=x onerror=alert(1)>](a.png)</td></tr></table>",
    "<div><https://x/contenteditable/autofocus/onfocus=alert(1)></div>",
    "> [x](\n> javascript:alert(1))",
    "> [x]:\n> javascript:alert(1)\n\n[x]",
    "- > [x]:\n  > javascript:alert(2)\n\n[x]",
    "> ![x](\n> http://e.com/a.png)",
]


DORMANT = ["<script", "<!--><script>x</script>-->", "<?php x ?><![CDATA[<script>x]]>"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_judge_sees_each_attack(attack: str) -> None:
    assert faults(attack)


@pytest.mark.parametrize("attack", ATTACKS + DORMANT)
def test_nothing_of_an_answer_acts(attack: str) -> None:
    assert faults(harmless(attack)) == []
    assert (
        faults(f"a page\n\n---\n\n{harmless(attack)}\n\n---\n\n{harmless('`' * 3)}\n\n---\n\n{harmless(attack)}") == []
    )


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", "[a](javascript:x)", "![pic](http://e.org/a.png)"])
def test_what_is_escaped_can_still_be_read(attack: str) -> None:
    shown = lxml.html.fromstring(RENDERER.render(harmless(attack))).text_content().strip()

    assert shown == attack or shown == "!pic"


@pytest.mark.parametrize(
    "markdown",
    [
        '# Title\n\nText with a < b, x<3 and [a link](https://e.org/a_(b)?q=1&r=2 "title").',
        "[mail](mailto:a@e.org) <https://e.org> [part](#part) [file](page%202.pdf)",
        "![](scan.p1-1.jpg)\n\n![a figure](./a%20b.jpg)",
        '<table><tr><td colspan="2">a</td></tr></table>',
        "```html\n<script>alert(1)</script>\n![a](http://e.org/a.png)\n```\n\nafter",
        "[1]: https://e.org\n\n[x] done, [EUR]: 12.50",
    ],
)
def test_what_is_harmless_stays_as_it_is(markdown: str) -> None:
    assert harmless(markdown) == markdown
    assert faults(markdown) == []


def test_a_code_block_that_never_ends_is_closed_with_its_page() -> None:
    assert harmless("```\ncode") == "```\ncode\n```"


PIECES = [
    *(
        "<script>",
        "</script>",
        "<img src=//e onerror=x>",
        "<table>",
        "</table>",
        "<td onclick=x>",
        "<!--",
        "-->",
        "<div>",
    ),
    *("```", "~~~~", "\n", "\n\n", "    ", "> ", "- ", "1. ", "`", "``", "\\", "&lt;", "&#60;", "<", ">", "\t"),
    *(
        "[a]",
        "(javascript:x)",
        "(http://e/x.png)",
        "![",
        "](",
        "]:",
        "[r]",
        "[r]: javascript:x\n",
        "<javascript:x>",
        "x",
    ),
    *("\n> ", "](\n> javascript:x)", "]:\n- javascript:x", "<https://e/onfocus=x/>", "![<b>](a.png)", "](a.png)"),
]


@pytest.mark.parametrize("seed", range(8))
def test_no_mixture_of_marks_acts_on_any_page(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(120):
        pages = [harmless("".join(chance.choices(PIECES, k=25))) for _ in range(2)]
        assert faults("\n\n---\n\n".join(pages)) == [], pages


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<", "<a ", '<td "', "\\<", "\\", "![", "](", "](https://e", "]:", "```\n\n", "[a]"])
def test_a_long_answer_takes_linear_time(piece: str) -> None:
    assert harmless(piece * 200_000)
