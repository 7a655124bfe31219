"""Bytes of a stream, in whatever pieces they come: a whole answer is found, a cut or damaged one never gives a text."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.engines.remote.events import LARGEST, LONGEST_LINE, Events, Piece
from dropscribe.engines.remote.failures import Failed
from dropscribe.engines.remote.pieces import Cutter
from dropscribe.engines.remote.watch import AnswerWatch
from support.scripted_http import DONE, event

WORDS = ["<|ref|>", "title", "<|/ref|>", "<|det|>[[1, 2, 3, 4]]<|/det|>", "\n# Über", " 发票", " 7", "."]
WHOLE = b"".join([event(None), *map(event, WORDS), event(finish="stop")]) + (
    b'data: {"choices": [], "usage": {"completion_tokens": 9}}\n\n' + DONE
)
TEXT = "".join(WORDS)


def read(data: list[bytes]) -> str:
    """Return the text of an answer that comes in these pieces; raise `Failed`."""
    events, watch = Events(), AnswerWatch(8192, 0.0, 60.0)
    for part in data:
        for piece in events.feed(part):
            watch.take(piece, 1.0)
    return watch.reply(None, 1.0).text


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    assert read(parts(WHOLE, cuts)) == TEXT


@given(st.integers(0, len(WHOLE) - 1))
def test_an_answer_that_ends_early_gives_no_text_or_all_of_it(length: int) -> None:
    finished = WHOLE.index(event(finish="stop")) + len(event(finish="stop")) - 1
    if length >= finished:
        assert read([WHOLE[:length]]) == TEXT
    else:
        with pytest.raises(Failed):
            read([WHOLE[:length]])


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=40), st.lists(st.integers(0, 10_000), max_size=5))
def test_garbage_never_hangs_and_never_makes_a_text_of_a_cut_answer(at: int, garbage: bytes, cuts: list[int]) -> None:
    """Garbage inside a string is text, for all one can know; without a good end nothing is."""
    damaged = WHOLE[:at] + garbage + WHOLE[at + len(garbage) :]
    if b'"finish_reason": "stop"' not in damaged:
        with pytest.raises(Failed):
            read(parts(damaged, cuts))
    else:
        try:
            assert isinstance(read(parts(damaged, cuts)), str)
        except Failed:
            pass


KEYS = st.sampled_from(["choices", "delta", "message", "content", "finish_reason", "token_ids", "usage", "error"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_an_event_of_any_shape_is_read_or_refused(value: dict[str, object]) -> None:
    try:
        for piece in Events().feed(b"data: " + json.dumps(value).encode() + b"\n"):
            assert isinstance(piece.text, str) and all(0 <= i < 0x10FFFF for i in piece.ids)
    except Failed:
        pass


def test_comments_other_fields_and_other_line_ends_are_passed_over() -> None:
    data = b": ping\r\n\r\nevent: message\r\nid: 5\r\n" + event("Text").replace(b"\n", b"\r\n") + b"data:\n"

    assert [piece.text for piece in Events().feed(data)] == ["Text"]


def test_what_follows_the_end_mark_is_not_looked_at() -> None:
    events = Events()

    assert list(events.feed(DONE + b"data: garbage\n")) == [] and events.done


@pytest.mark.parametrize("size", [LONGEST_LINE + 1, LARGEST + 1])
def test_an_answer_without_end_is_given_up(size: int) -> None:
    events = Events()
    with pytest.raises(Failed, match="too large"):
        for _ in range(0, size, 1 << 16):
            list(events.feed(b"x" * (1 << 16) if size < LARGEST else b": " + b"x" * ((1 << 16) - 3) + b"\n"))


@given(st.text(alphabet="ab字1.[]<|>/ \n", max_size=300), st.lists(st.integers(0, 10_000), max_size=10))
def test_pieces_of_text_do_not_depend_on_the_chunks_and_lose_nothing(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})

    def cut(chunks: list[str]) -> list[str]:
        cutter = Cutter()
        return [piece for chunk in chunks for piece in cutter.feed(chunk)] + list(cutter.flush())

    pieces = cut([text])
    assert "".join(pieces) == text
    assert cut([text[a:b] for a, b in pairwise(places)]) == pieces


def test_a_piece_is_a_mark_a_word_a_number_or_a_sign() -> None:
    cutter = Cutter()

    assert [*cutter.feed("<|det|>[[80, 4]]<td>Über 12.5 发票\n"), *cutter.flush()] == [
        "<|det|>", "[[", "80", ",", " ", "4", "]]", "<td>", "Über", " ", "12", ".", "5", " ", "发", "票", "\n",
    ]  # fmt: skip


def test_ids_that_are_no_tokens_are_none() -> None:
    for ids in ([-1], [1 << 40], [True], ["1"], "12", {}, [1.0]):
        assert list(Events().feed(event("x", token_ids=ids))) == [Piece("x", model="DeepSeek-OCR")]
