"""What two readers of one page do not share: invented, left out, repeated, other numbers; and what is no fault."""

import dataclasses

import pytest

from dropscribe.core.pages import Block, Check
from dropscribe.engines.crosscheck.compare import compare
from dropscribe.engines.crosscheck.values import Heard, Reading

LINES = (
    "The ferry to the island leaves at nine, and again at noon,",
    "when the weather permits. Tickets are sold on board; a return",
    "costs 1,250.40 crowns for adults, and children travel free.",
    "Dogs must be kept on a lead. Bicycles stand behind the mast.",
    "Captain Merriwether answers questions about private charters.",
)
PAGE = "\n".join(LINES)
INVENTED = "Breakfast is served in the dining saloon from seven o'clock every morning."


def heard(*lines: str, confidence: float = 0.98, **more: object) -> Reading:
    """Return a reading with these lines, one below the other."""
    placed = [Heard(line, confidence, (10, 20 * n, 500, 20 * n + 15)) for n, line in enumerate(lines)]
    return Reading(tuple(placed), **more)  # type: ignore[arg-type]


def check(text: str, *looks: Reading, blocks: tuple[Block, ...] = ()) -> Check:
    """Return the verdict of a reader that has these looks at the page (`LINES`, both times, without any)."""
    first, *more = looks or (heard(*LINES),)
    return compare(text, first, lambda: more[0] if more else first, "second", blocks)


def said(found: Check) -> list[str]:
    return [passage.text for passage in found.unconfirmed]


def left_out(found: Check) -> list[str]:
    return [passage.text for passage in found.missing]


def test_the_same_text_is_confirmed() -> None:
    assert check(PAGE) == Check("second", 1.0)


@pytest.mark.parametrize(
    "text",
    [
        PAGE.replace("\n", " ").upper(),
        "# " + PAGE.replace("ferry", "**ferry**").replace("nine", r"\( nine \)"),
        PAGE.replace("permits. Tickets", "per-\nmits.  Tickets").replace("noon", "nöon"),
        f"<table><tr><td>{PAGE.replace(chr(10), '</td></tr><tr><td>')}</td></tr></table>",
        "\n".join(reversed(LINES)),
        PAGE.replace("weather", "wcather").replace("Bicycles", "BicycIes").replace("1,250.40", "l,25O.4O"),
    ],
    ids=["one line in capitals", "markdown", "hyphens and marks", "a table", "another order", "misread letters"],
)
def test_how_it_is_written_is_no_fault(text: str) -> None:
    found = check(text)

    assert not found.disagrees and found.agreement is not None and found.agreement > 0.95


def test_a_passage_that_is_nowhere_on_the_page_is_named() -> None:
    blocks = (Block("text", "The ferry", (1, 2, 3, 4)), Block("text", INVENTED, (5, 6, 7, 8)))
    found = check("\n".join([*LINES[:2], INVENTED, *LINES[2:]]), blocks=blocks)

    assert said(found) == [INVENTED.rstrip(".")] and not found.missing
    assert found.unconfirmed[0].box == (5, 6, 7, 8)


def test_lines_that_the_model_leaves_out_are_named_with_their_place() -> None:
    found = check("\n".join([LINES[0], *LINES[3:]]))

    assert left_out(found) == [f"{LINES[1]} {LINES[2]}"] and not found.unconfirmed
    assert found.missing[0].box == (10, 20, 500, 55)


def test_lines_that_are_left_out_take_no_place_of_the_same_words_elsewhere() -> None:
    lines = (LINES[0], LINES[3], LINES[4], LINES[1], LINES[0], LINES[2], LINES[3], LINES[4])
    found = check("\n".join([LINES[0], *lines[3:]]), heard(*lines))

    assert left_out(found) == [f"{LINES[3]} {LINES[4]}"] and not found.unconfirmed
    assert found.missing[0].box == (10, 20, 500, 55)


def test_lines_that_are_said_twice_are_named_once() -> None:
    assert said(check("\n".join([*LINES, *LINES[1:3]]))) == [" ".join(LINES[1:3]).rstrip(".")]


def test_another_number_is_named_as_both_have_it() -> None:
    found = check(PAGE.replace("1,250.40", "1,520.40"))

    assert said(found) == ["1,520.40"] and left_out(found) == [LINES[2]]


def test_another_name_is_named() -> None:
    assert said(check(PAGE.replace("Merriwether", "Vandenbroucke"))) == ["Vandenbroucke"]


def test_another_page_is_no_page_of_ours() -> None:
    found = check(f"{INVENTED} {INVENTED.replace('Breakfast', 'Supper')}")

    assert found.agreement is not None and found.agreement < 0.1 and found.unconfirmed and found.missing


def test_chinese_has_no_blanks_and_says_more_with_a_sign() -> None:
    lines = ("会议决定把报告推迟到下个星期，", "等所有成员都回来以后再讨论预算。")
    found = check(f"{lines[0]}\n本店从明天开始每天早上七点营业。\n{lines[1]}", heard(*lines))

    assert said(found) == ["本店从明天开始每天早上七点营业"]
    assert not check("".join(lines), heard(*lines)).disagrees


def test_a_second_look_may_see_what_the_first_did_not() -> None:
    assert not check(PAGE, heard(*LINES[:3]), heard(*LINES)).disagrees


def test_a_second_look_may_take_back_a_number_and_a_line() -> None:
    misread = (*LINES[:2], LINES[2].replace("1,250", "1,230"), *LINES[3:], "||| scratches on the glass plate |||")

    assert check(PAGE, heard(*misread)).disagrees
    assert not check(PAGE, heard(*misread), heard(*LINES)).disagrees


def test_what_the_reader_has_with_doubt_speaks_for_the_model() -> None:
    """Handwriting: it sees that something stands there, and cannot say what."""
    doubtful = heard("8rcakfct s servdin tbo dining svloon frm sevcn clock", confidence=0.6).lines
    look = dataclasses.replace(heard(*LINES), lines=(*heard(*LINES).lines, *doubtful))

    assert not check(f"{PAGE}\n{INVENTED}", look).disagrees
    assert not check(f"{PAGE}\n{INVENTED}", heard(*LINES, unread=0.2)).disagrees
    assert not check(f"{PAGE}\n{INVENTED}", heard(*LINES, sure=False)).disagrees


def test_scripts_that_its_weights_lack_are_not_judged() -> None:
    russian = "Паром отправляется на остров в девять часов утра и ещё раз в полдень."

    assert not check(f"{PAGE}\n{russian}").disagrees
    assert check(f"{PAGE}\n{russian}").agreement == 1.0
    assert not check(f"{PAGE}\n{russian}", heard(*LINES, "IIapom otnpab hretcr ha octpob b debrtb")).disagrees
    assert check(russian, heard("IIapom", able=False)) == Check(None, None)


def test_formulas_are_not_judged() -> None:
    formula = (
        r"\[ \hat{\psi}(\omega) = \int_{-\infty}^{\infty} f(x) \mathrm{e}^{-i \omega x} dx \cdot \sqrt{abcdefgh} \]"
    )

    assert not check(f"{PAGE}\n{formula}", heard(*LINES, "y(w)=Jf(x)e dx")).disagrees


def test_the_inner_text_of_a_picture_is_not_missing() -> None:
    chart = ("Passengers carried in the summer season", "thousands per month, both directions")
    picture = (Block("image", "", (0, 90, 600, 200)),)

    assert left_out(check(PAGE, heard(*LINES, *chart))) == [" ".join(chart)]
    assert not check(PAGE, heard(*LINES, *chart), blocks=picture).disagrees


@pytest.mark.parametrize(("text", "lines"), [("", ()), ("12", ()), ("", ("ab",)), ("—", ("…",))])
def test_next_to_nothing_is_no_fault(text: str, lines: tuple[str, ...]) -> None:
    assert not check(text, heard(*lines)).disagrees


def test_a_short_page_with_quite_another_text_is_named() -> None:
    assert check("Closed today", heard("Mind the gap")).disagrees
