"""Decoding the next page while this one is read."""

import threading
from collections.abc import Iterator

import pytest

from dropscribe.core.pages import Page
from dropscribe.engines.deepseek.prefetch import ahead
from support.mlx_engine import page


def test_the_next_page_is_decoded_while_this_one_is_read() -> None:
    """In another thread, one page ahead and no more."""
    decoded: dict[int, threading.Event] = {n: threading.Event() for n in range(1, 5)}
    threads: set[str] = set()

    def pages() -> Iterator[Page]:
        for number in range(1, 5):
            threads.add(threading.current_thread().name)
            decoded[number].set()
            yield page(number)

    reader = ahead(pages())
    first = next(reader)

    assert first.number == 1
    assert decoded[2].wait(10), "page 2 is decoded before it is asked for"
    assert not decoded[3].is_set()
    assert [p.number for p in reader] == [2, 3, 4]
    assert threading.current_thread().name not in threads


def test_an_error_comes_where_its_page_would_have_come() -> None:
    """The page before it is read all the same."""

    def pages() -> Iterator[Page]:
        yield page(1)
        raise ValueError("damaged")

    reader = ahead(pages())

    assert next(reader).number == 1
    with pytest.raises(ValueError, match="damaged"):
        next(reader)


def test_closing_waits_for_the_page_in_hand_and_leaves_no_thread() -> None:
    """The document behind may be closed at once."""
    before = threading.active_count()
    reader = ahead(page(n) for n in range(1, 9))
    next(reader)
    reader.close()

    assert threading.active_count() == before
