"""Answers while they come: loops on ids and pieces of text, loops that the server's guard broke, what ends are worth.

The loops are those that were measured on vLLM 0.32 with a scripted model: 20 to 64 looped tokens, then other text.
"""

from collections.abc import Iterable

import pytest

from dropscribe.engines.remote.events import Piece
from dropscribe.engines.remote.failures import Failed
from dropscribe.engines.remote.watch import AnswerWatch
from dropscribe.engines.vlm.attempt import Reply
from dropscribe.engines.vlm.ngram_guard import NGramGuard


def followed(pieces: Iterable[Piece], **options: object) -> Reply:
    """Return what is made of an answer."""
    watch = AnswerWatch(8192, 0.0, 60.0, **options)  # type: ignore[arg-type]
    for piece in pieces:
        if end := watch.take(piece, 1.0):
            return watch.reply(end, 1.0)
    return watch.reply(None, 1.0)


def by_ids(ids: Iterable[int], finish: str | None = "stop") -> list[Piece]:
    return [*(Piece(f"<{i}>", (i,)) for i in ids), Piece(finish=finish)]


def in_text(text: str, step: int, finish: str = "stop") -> list[Piece]:
    return [*(Piece(text[at : at + step]) for at in range(0, len(text), step)), Piece(finish=finish)]


# -- loops


@pytest.mark.parametrize("step", [1, 3, 7, 64])
def test_an_endless_loop_in_text_is_cut_after_its_first_round_wherever_the_chunks_end(step: int) -> None:
    reply = followed(in_text("Total: " + "amount due 0.00 | " * 400, step, "length"))

    assert reply.end == "loop" and reply.tokens < 200
    assert reply.text.rstrip() == "Total: amount due 0.00 |"


@pytest.mark.parametrize("sign", ["字", "ab", "0", ".", "-", "<td></td>"])
def test_a_loop_of_one_sign(sign: str) -> None:
    reply = followed(in_text(sign * 3000, 11, "length"), table_marks=("<td>", "</td>"))

    assert reply.end == "loop" and len(reply.text) < 100


def test_an_empty_table_is_no_loop() -> None:
    cells = "<tr>" + "<td></td>" * 40 + "</tr>"
    reply = followed(in_text(cells * 2, 5), table_marks=("<td>", "</td>", "<tr>", "</tr>"))

    assert (reply.end, reply.text) == ("stop", cells * 2)


def test_an_endless_loop_of_ids() -> None:
    reply = followed(by_ids([1, 2, 3, *([7, 8, 9] * 500)], "length"))

    assert reply.end == "loop" and reply.tokens < 100
    assert reply.text == "<1><2><3><7><8><9>"


def guarded(n: int, window: int, loop: list[int], after: list[int]) -> list[int]:
    """Return what a server gives whose guard breaks an endless loop: once one step is banned, other text follows."""
    guard, ids, step = NGramGuard(n, window), [1, 2, 3], 0
    for token in ids:
        guard.push(token)
    while loop[step % len(loop)] not in guard.banned():
        ids.append(loop[step % len(loop)])
        guard.push(ids[-1])
        step += 1
    return [*ids, *after]


@pytest.mark.parametrize("n, window", [(20, 50), (30, 90), (35, 128)])
@pytest.mark.parametrize("period", [1, 3, 9, 17, 30])
def test_a_loop_that_the_servers_guard_broke_is_known_by_replaying_it(n: int, window: int, period: int) -> None:
    if period + n > window:
        pytest.skip("the guard never sees this loop twice")
    ids = guarded(n, window, list(range(50, 50 + period)), list(range(100, 130)))

    assert followed(by_ids(ids), guard=(n, window)).end == "loop"
    if len(ids) < 3 + 48 + 30:  # else the detector sees it too
        assert followed(by_ids(ids)).end == "stop"  # without the replay nothing is seen


def test_text_that_repeats_and_goes_on_is_whole_although_a_ban_was_in_force_once() -> None:
    ids = guarded(20, 50, [50, 51, 52], list(range(100, 300)))
    reply = followed(by_ids(ids), guard=(20, 50))

    assert reply.whole and reply.text.endswith("<299>")


def test_a_server_that_keeps_no_guard_is_not_blamed_for_bans() -> None:
    """Rows that the page really repeats: a guard would have changed them."""
    row = list(range(50, 90))
    reply = followed(by_ids([*row, *row, *range(100, 140), *row, *range(200, 240), *row]), guard=(20, 50))

    assert (reply.end, reply.whole) == ("stop", True)


def test_cells_are_exempt_as_they_are_on_the_server() -> None:
    assert followed(by_ids([7, 8] * 100 + [9]), guard=(20, 50), cells=(7, 8)).end == "stop"


def test_vllms_own_loop_stop_is_a_loop() -> None:
    assert followed(by_ids([1, 2, 3, *([4, 5] * 20)], "repetition")).end == "loop"


# -- ends


@pytest.mark.parametrize("finish", [None, "abort", "error", "content_filter", "tool_calls", ""])
def test_an_answer_without_a_good_end_gives_no_text(finish: str | None) -> None:
    with pytest.raises(Failed, match="finish_reason"):
        followed([Piece("Nearly whole.", finish=finish)])


@pytest.mark.parametrize("mark", ["</s>", "<|im_end|>", "<｜end▁of▁sentence｜>", " <|endoftext|>\n", "<|user|>"])
def test_marks_of_the_end_are_no_text(mark: str) -> None:
    assert followed([Piece("Text"), Piece(mark), Piece(finish="stop")]).text == "Text"


def test_the_servers_own_count_of_tokens_is_told() -> None:
    assert followed([Piece("Two words"), Piece(finish="stop"), Piece(tokens=3)]).tokens == 3


def test_time_ends_an_answer_that_is_still_coming() -> None:
    watch = AnswerWatch(100, 0.0, 5.0)

    assert watch.take(Piece("a "), 4.9) is None
    assert watch.take(Piece("b "), 5.0) == "timeout"


def test_some_ids_missing_later_lose_no_text() -> None:
    pieces = [Piece("a", (1,)), Piece("b", (2, 3)), Piece("c"), Piece(finish="stop")]

    assert followed(pieces).text == "abc"
