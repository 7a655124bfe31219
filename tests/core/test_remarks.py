"""What is told of pages that two readers read differently."""

from dropscribe.core.pages import Check, PageText, Passage
from dropscribe.core.remarks import passages, please_check


def page(number: int, unconfirmed: int = 0, missing: int = 0) -> PageText:
    said, left_out = ((Passage(what, None),) * count for what, count in (("said", unconfirmed), ("left", missing)))
    return PageText(number, 10, 10, "", "", check=Check("second", 0.5, said, left_out))


def test_pages_are_named_and_passages_counted() -> None:
    assert please_check([PageText(1, 10, 10, "", ""), page(2)]) == ""
    assert please_check([page(3, 2)]) == "please check page 3: 2 passages not confirmed"
    assert please_check([page(1, 1, 1), page(2), page(3, 0, 1)]) == (
        "please check pages 1, 3: 1 passage not confirmed, 2 left out"
    )
    assert please_check([page(1, 0, 1)]) == "please check page 1: 1 passage left out"
    assert please_check([page(n, 1) for n in range(1, 9)]).startswith("please check pages 1, 2, 3, 4, 5 and 3 more: 8 ")


def test_each_passage_is_a_line() -> None:
    assert passages(page(2, 1, 1)) == ["page 2, not confirmed: said", "page 2, left out: left"]
    assert passages(PageText(1, 10, 10, "", "")) == []
