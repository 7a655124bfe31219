"""Markdown of strangers is never markup of ours, however it is written."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.web.markdown import rendered

HARMLESS = {
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "em", "strong", "code", "pre", "hr", "br", "blockquote",
    "table", "thead", "tbody", "tr", "td", "th",
}  # fmt: skip
ATTRIBUTES = {"colspan", "rowspan", "start", "class"}


class Tags(HTMLParser):
    """Collects what a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![a](http://example.org/x.png)",
    "[a](javascript:alert(1)) [b](http://example.org) <http://example.org>",
    "[a]\n\n[a]: javascript:alert(1)",
    "<table><tr><td onclick=alert(1)><script>alert(1)</script><img src=x onerror=alert(1)></td></tr></table>",
    "<table><tr><td><svg/onload=alert(1)></table><script>alert(1)</script>",
    "<table><style>*{display:none}</style><tr><td></iframe><iframe srcdoc=x></td></table>",
    '<table background="javascript:x" style="position:fixed"><td colspan="9999999999" rowspan="-1" class="x">',
    "|a|b|\n|:-|-:|\n|1|2|",
    "```html\n<script>alert(1)</script>\n```",
    "<!-- --><table><!--><script>alert(1)</script>--></table>",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_it_is_live(text: str) -> None:
    found = Tags(rendered(text))

    assert found.tags <= HARMLESS
    assert found.attributes <= ATTRIBUTES


@given(st.lists(st.sampled_from([*"<>/\"'=()[]!`|-\n ", "table", "td", "script", "a", "img", "on"]), max_size=40))
def test_no_mixture_of_it_is_live(parts: list[str]) -> None:
    found = Tags(rendered("<table>" + "".join(parts)))

    assert found.tags <= HARMLESS
    assert found.attributes <= ATTRIBUTES


def test_headings_lists_and_tables_are_shown() -> None:
    html = rendered(
        "# Title\n\n- one\n\n|a|b|\n|-|-|\n|1|2|\n\n<table><tr><th colspan=2>x &amp; y</th></tr></table>\n\nend"
    )

    assert "<h1>Title</h1>" in html and "<li>one</li>" in html and "<td>1</td>" in html
    assert '<table><tr><th colspan="2">x &amp; y</th></tr></table>' in html
    assert html.endswith("<p>end</p>\n")


def test_a_table_that_never_ends_ends_with_it() -> None:
    assert rendered("<table><tr><td>1</table>\n\nafter").startswith("<table><tr><td>1</td></tr></table>")
