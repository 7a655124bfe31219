"""One attempt, token by token."""

from collections.abc import Callable

import pytest

from dropscribe.engines.vlm.attempt import AttemptState
from dropscribe.engines.vlm.ngram_guard import NGramGuard
from dropscribe.engines.vlm.repetition import LoopDetector

EOS = 1


@pytest.fixture
def watch() -> AttemptState:
    """A watch over an attempt of at most 100 tokens and 60 seconds, begun at 1000."""
    return AttemptState(NGramGuard(30, 90), LoopDetector(lambda token: "x"), frozenset({EOS}), 100, 1000.0, 60.0)


def letters(ids: list[int]) -> str:
    """Decode ids as letters."""
    return "".join(chr(i) for i in ids)


def feed(watch: AttemptState, ids: list[int], clock: Callable[[int], float] = lambda n: 1001.0) -> str | None:
    """Take in *ids* until the attempt ends; return how."""
    for n, token in enumerate(ids):
        if end := watch.take(token, clock(n)):
            return end
    return None


def test_the_end_mark_ends_it_and_is_no_text(watch: AttemptState) -> None:
    """A clean answer is whole."""
    end = feed(watch, [72, 105, EOS])
    reply = watch.reply(end or "", 1002.0, letters)

    assert (reply.end, reply.text, reply.tokens, reply.seconds, reply.whole) == ("stop", "Hi", 2, 2.0, True)


def test_running_out_of_tokens_is_no_success(watch: AttemptState) -> None:
    """`length` stays `length`, and the text is not whole."""
    end = feed(watch, list(range(200, 400)))
    reply = watch.reply(end or "", 1002.0, letters)

    assert (reply.end, reply.tokens, reply.whole) == ("length", 100, False)


def test_running_out_of_time_ends_it_between_tokens(watch: AttemptState) -> None:
    """The clock is looked at with every token."""
    end = feed(watch, list(range(200, 300)), lambda n: 1000.0 + 10 * n)

    assert (end, len(watch.ids)) == ("timeout", 7)


def test_an_endless_loop_ends_early_and_leaves_one_copy(watch: AttemptState) -> None:
    """Not at the limit of tokens, and without the copies."""
    end = feed(watch, [65, 66, *[67, 68, 69] * 50])
    reply = watch.reply(end or "", 1002.0, letters)

    assert (end, len(watch.ids)) == ("loop", 64)
    assert (reply.end, reply.text, reply.whole) == ("loop", "ABCDE", False)


def test_an_answer_of_blanks_is_empty(watch: AttemptState) -> None:
    """Nothing but blanks is nothing."""
    end = feed(watch, [32, 10, EOS])

    assert watch.reply(end or "", 1002.0, letters).end == "empty"


def test_a_loop_that_the_guard_broke_up_is_a_loop_though_it_stopped(watch: AttemptState) -> None:
    """The bans are evidence: what looks clean to a detector alone is not."""
    for token in [65, *[67, 68, 69] * 10]:
        watch.guard.push(token)
        watch.take(token, 1001.0)
    watch.guard.record_hit()
    end = feed(watch, [90, 91, EOS])
    reply = watch.reply(end or "", 1002.0, letters)

    assert end == "stop"
    assert watch.detector.anywhere() is None
    assert (reply.end, reply.text, reply.whole) == ("loop", "ACDE", False)


def test_fresh_text_after_one_ban_is_kept_but_doubtful(watch: AttemptState) -> None:
    """Equal rows in the document look like a loop; the text behind them must not be lost."""
    rows = [67, 68, 69] * 10
    for token in rows:
        watch.take(token, 1001.0)
        watch.guard.push(token)
    watch.guard.record_hit()
    end = feed(watch, [*range(200, 264), EOS])
    reply = watch.reply(end or "", 1002.0, letters)

    assert (reply.end, reply.whole, len(reply.text)) == ("loop", True, 94)


def test_a_model_that_keeps_running_into_the_guard_is_ended(watch: AttemptState) -> None:
    """Some bans in one answer are enough."""
    for token in (200, 201, 202):
        watch.take(token, 1001.0)
        watch.guard.push(token)
        watch.guard.record_hit()
    watch.guard.record_hit()

    assert watch.take(203, 1001.0) == "loop"
