"""The ladder: which attempts are made, and what is kept."""

from collections.abc import Sequence

import pytest

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import DOUBTFUL, Block, Check, Page, Passage
from dropscribe.engines.base import Judge
from dropscribe.engines.vlm.adapters import ADAPTERS
from dropscribe.engines.vlm.fallback import Fallback, distinct, fallback_steps
from support.mlx_engine import climbed, page, reply, settings_for

MARK = "<|ref|>text<|/ref|><|det|>[[1, 1, 900, 900]]<|/det|>\n"


@pytest.fixture
def settings() -> Settings:
    """The defaults: gundam, markdown."""
    return settings_for(engine={"mode": "gundam"})


def steps(mode: str, prompt: str) -> list[str]:
    """Return the ladder in words."""
    return [f"{r.mode} {r.prompt}{' halved' if r.halved else ''}" for r in fallback_steps(mode, prompt)]


def test_the_ladder_is_tiles_then_a_whole_view_then_plain_text_then_halves() -> None:
    """The order for the defaults."""
    assert steps("gundam", "markdown") == ["gundam markdown", "base markdown", "gundam text", "gundam markdown halved"]


@pytest.mark.parametrize(
    ("mode", "prompt", "expected"),
    [
        (
            "tiny",
            "markdown",
            ["tiny markdown", "gundam markdown", "base markdown", "gundam text", "gundam markdown halved"],
        ),
        ("gundam", "text", ["gundam text", "base text", "gundam markdown", "gundam text halved"]),
        ("base", "figure", ["base figure", "gundam figure"]),
        ("large", "Locate the sum.", ["large Locate the sum.", "gundam Locate the sum.", "base Locate the sum."]),
    ],
)
def test_the_users_own_choice_comes_first(mode: str, prompt: str, expected: list[str]) -> None:
    """Then the sensible rest, each once; other prompts than reading ones are never replaced."""
    assert steps(mode, prompt) == expected


@pytest.mark.parametrize(
    ("kind", "prompt", "width", "expected"),
    [
        ("glm_ocr", "markdown", 600, ["gundam markdown", "gundam markdown halved"]),
        ("idefics3", "text", 600, ["gundam text", "gundam text halved"]),
        ("paddleocr_vl", "figure", 600, ["gundam figure"]),
        ("glm_ocr", "Formula Recognition:", 600, ["gundam Formula Recognition:"]),
        ("unlimited-ocr", "markdown", 600, ["gundam markdown", "base markdown", "gundam markdown halved"]),
        ("deepseekocr_2", "markdown", 600, ["gundam markdown", "gundam text", "gundam markdown halved"]),
        ("deepseekocr_2", "markdown", 900, steps("gundam", "markdown")),
        ("deepseekocr", "markdown", 600, steps("gundam", "markdown")),
    ],
)
def test_a_model_is_not_asked_the_same_again(kind: str, prompt: str, width: int, expected: list[str]) -> None:
    """Where modes mean nothing, or one prompt stands for all, the answer would be the same too."""
    found = distinct(fallback_steps("gundam", prompt), ADAPTERS[kind], width, 400)

    assert [f"{r.mode} {r.prompt}{' halved' if r.halved else ''}" for r in found] == expected


def test_one_prompt_and_no_modes_go_from_the_page_to_its_halves(settings: Settings) -> None:
    """And the halves are taken apart by the model's own parser."""
    marked = "<text><loc_0><loc_0><loc_500><loc_250>{}</text>"
    replies = [reply("", "loop"), reply(marked.format("above")), reply(marked.format("below"))]
    text, tries = climbed(Fallback(page(), settings, ADAPTERS["idefics3"]), replies)

    assert [t.mode for t in tries] == ["gundam", "gundam half 1", "gundam half 2"]
    assert [b.text for b in text.blocks] == ["above", "below"]
    assert (text.text, text.flags) == ("above\nbelow", ("reduced-mode",))


def test_a_good_answer_ends_it(settings: Settings) -> None:
    """One attempt, no flags."""
    text, tries = climbed(Fallback(page(), settings), [reply(MARK + "Hello")])

    assert [(t.mode, t.prompt) for t in tries] == [("gundam", "markdown")]
    assert (text.text, text.flags, text.text_source) == ("Hello", (), "ocr")
    assert [(a.mode, a.prompt, a.tokens, a.end) for a in text.attempts] == [("gundam", "markdown", 10, "stop")]


@pytest.mark.parametrize("end", ["loop", "length", "timeout", "error"])
def test_a_failed_attempt_is_followed_by_the_next(settings: Settings, end: str) -> None:
    """And a good one later is kept, marked as not the user's own choice."""
    text, tries = climbed(Fallback(page(), settings), [reply("Hel", end), reply("Hello")])

    assert [t.mode for t in tries] == ["gundam", "base"]
    assert (text.text, text.flags) == ("Hello", ("reduced-mode",))
    assert [a.end for a in text.attempts] == [end, "stop"]


def test_two_halves_make_a_page(settings: Settings) -> None:
    """The last rung reads the page in two and joins them."""
    replies = [*[reply("", "loop")] * 3, reply("above\nshared line"), reply("shared line\nbelow")]
    text, tries = climbed(Fallback(page(), settings), replies)

    assert [t.mode for t in tries[3:]] == ["gundam half 1", "gundam half 2"]
    assert (text.text, text.flags) == ("above\nshared line\nbelow", ("reduced-mode",))


@pytest.mark.parametrize(
    ("end", "flags"),
    [
        ("loop", {"loop", "partial"}),
        ("length", {"length", "partial"}),
        ("timeout", {"partial"}),
        ("error", {"partial"}),
    ],
)
def test_the_best_partial_text_is_kept_and_doubtful(settings: Settings, end: str, flags: set[str]) -> None:
    """The longest, when none is whole."""
    replies = [
        reply("some text", end),
        reply("some more text of it", end),
        reply("so", end),
        reply("s", end),
        reply("", end),
    ]
    text, _ = climbed(Fallback(page(), settings), replies)

    assert text.text == "some more text of it"
    assert set(text.flags) == {*flags, "reduced-mode"}
    assert DOUBTFUL.intersection(text.flags)


def test_an_empty_answer_on_a_page_with_ink_is_tried_again_and_doubtful(settings: Settings) -> None:
    """Empty is an answer, but never believed at once."""
    text, tries = climbed(Fallback(page(), settings), [reply("", "stop")] * 5)

    assert len(tries) == 5
    assert (text.text, text.flags) == ("", ("empty",))
    assert {a.end for a in text.attempts} == {"empty"}


def test_boxes_outside_the_page_are_no_good_answer(settings: Settings) -> None:
    """The next attempt is made, and the text kept if nothing better comes."""
    odd = reply("<|ref|>text<|/ref|><|det|>[[1, 1, 2000, 900]]<|/det|>\nHello")
    text, tries = climbed(Fallback(page(), settings), [odd, *[reply("", "loop")] * 4])

    assert len(tries) == 5
    assert (text.text, text.flags) == ("Hello", ("partial",))


@pytest.mark.parametrize("end", ["error", "timeout", "loop"])
def test_no_text_at_all_is_the_engines_failure(settings: Settings, end: str) -> None:
    """Nobody said that the page is empty."""
    with pytest.raises(ReasonedError, match="No attempt at page 1 gave any text") as caught:
        climbed(Fallback(page(), settings), [reply("", end)] * 5)

    assert caught.value.reason is Reason.NO_TEXT


def test_the_budget_of_a_page_bounds_all_its_attempts() -> None:
    """Each attempt may take what is left, and none is begun when nothing is."""
    settings = settings_for(engine={"mode": "gundam", "page_timeout": 30, "page_budget": 50})
    text, tries = climbed(
        Fallback(page(), settings), [reply("a", "timeout", seconds=30), reply("ab", "timeout", seconds=25)]
    )

    assert [t.seconds for t in tries] == [30, 20]
    assert (text.text, set(text.flags)) == ("ab", {"partial", "reduced-mode"})


def test_what_the_document_said_of_the_page_is_passed_on(settings: Settings) -> None:
    """Flags, rotation and size."""
    text, tries = climbed(Fallback(page(3, flags=("rotated",), rotation=90, from_pdf=True), settings), [reply("Hi")])

    assert (text.number, text.flags, text.rotation, text.width, text.height) == (3, ("rotated",), 90, 600, 400)
    assert tries[0].from_pdf


def judge(*agreements: float) -> Judge:
    """Return a second reader with these verdicts in turn; below .9 it names a passage."""
    coming = iter(agreements)

    def verdict(page: Page, text: str, blocks: Sequence[Block]) -> Check:
        agreement = next(coming)
        return Check("second", agreement, (Passage(text, None),) * (agreement < 0.9))

    return verdict


def test_an_answer_that_a_second_reader_does_not_confirm_is_not_the_last(settings: Settings) -> None:
    replies = [reply(MARK + text) for text in ("invented by a model", "read")]
    text, tries = climbed(Fallback(page(), settings, judge=judge(0.4, 0.95)), replies)

    assert [t.mode for t in tries] == ["gundam", "base"]
    assert text.text == "read" and text.check == Check("second", 0.95) and text.flags == ("reduced-mode",)


def test_of_answers_that_none_confirms_the_best_is_kept(settings: Settings) -> None:
    replies = [reply(MARK + text) for text in ("a long story that is invented", "nearly", "half of it", "up", "down")]
    text, tries = climbed(Fallback(page(), settings, judge=judge(0.1, 0.8, 0.5, 0.2)), replies)

    assert len(tries) == 5 and text.text == "nearly"
    assert text.check is not None and text.check.agreement == 0.8 and text.check.disagrees


def test_only_whole_answers_are_judged(settings: Settings) -> None:
    replies = [reply("", "loop"), reply(MARK + "read")]
    text, _ = climbed(Fallback(page(), settings, judge=judge(1.0)), replies)

    assert text.check == Check("second", 1.0)
