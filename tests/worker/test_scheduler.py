"""Which page is next, how far decoding runs ahead, and what comes back when."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import PageFailure
from dropscribe.worker.decoder import Decoders
from dropscribe.worker.page_cache import key
from support.fakes import document, picture
from support.harness import wait_for
from support.scheduling import ENGINE, Desk


@pytest.fixture
def desk(tmp_path: Path, decoders: Decoders) -> Iterator[Desk]:
    with closing(Desk(tmp_path, decoders)) as found:
        yield found


def pictures(desk: Desk, *jobs: int) -> None:
    """Take single pictures in hand."""
    for job in jobs:
        picture(desk.root / f"{job}.png", 100 + job)
        desk.add(job, desk.root / f"{job}.png")


def of_pages(desk: Desk, job: int, pages: int) -> None:
    """Take a document of so many pages in hand."""
    document(desk.root / f"{job}.tif", pages, job)
    desk.add(job, desk.root / f"{job}.tif")


def waits(call: Callable[[], object]) -> threading.Thread:
    """Return the thread in which *call* goes on waiting."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive(), "it should have had to wait"
    return thread


# -- the order


def test_documents_come_in_the_order_of_their_arrival_and_urgent_ones_first(desk: Desk) -> None:
    pictures(desk, 1, 2, -1, 3, -2)
    order = []
    for _ in range(5):
        desk.decode()
        order.append(desk.taken().document)

    assert order == [-1, -2, 1, 2, 3]


def test_an_urgent_file_passes_what_is_decoded_already(desk: Desk) -> None:
    desk.scheduler.ahead.most_pages = 4
    pictures(desk, 1, 2, -1)
    assert [desk.decode() for _ in range(3)] == [(-1, 1), (1, 1), (2, 1)]
    pictures(desk, -2)
    assert desk.decode() == (-2, 1)

    assert [desk.taken().document for _ in range(4)] == [-1, -2, 1, 2]


def test_a_long_document_lets_short_ones_pass_and_goes_on_afterwards(desk: Desk) -> None:
    of_pages(desk, 1, 21)
    desk.open()
    assert desk.decode() == (1, 1)
    of_pages(desk, 2, 20)
    desk.open()

    assert desk.decode() == (2, 1)
    first, second = desk.take(), desk.take()
    assert first is not None and second is not None
    assert (first.key, second.key) == ((2, 1), (1, 1)), "the page that is there already is read in between"
    assert [desk.decode() for _ in range(2)] == [(2, 2), (2, 3)]


def test_pages_of_a_document_go_to_the_engine_in_their_order(desk: Desk) -> None:
    of_pages(desk, 1, 5)
    desk.open()
    taken = []
    while len(taken) < 5:
        desk.decode()
        page = desk.take()
        assert page is not None
        taken.append(page.number)

    assert taken == [1, 2, 3, 4, 5]


# -- how far ahead


def test_decoding_runs_no_more_than_so_many_pages_ahead(desk: Desk) -> None:
    of_pages(desk, 1, 6)
    desk.open()
    for ahead in (2, 4):
        desk.scheduler.ahead.most_pages = ahead
        decoded = [desk.decode() for _ in range(ahead - len(desk.scheduler.ahead.pages))]
        assert decoded and len(desk.scheduler.ahead.pages) == ahead
        thread = waits(desk.decode)
        assert desk.take() is not None
        thread.join(10)
        assert not thread.is_alive() and len(desk.scheduler.ahead.pages) == ahead


def test_decoding_runs_no_more_than_so_many_bytes_ahead(desk: Desk) -> None:
    ahead = desk.scheduler.ahead
    ahead.most_pages, ahead.most_bytes = 8, 60 * 40 * 3
    of_pages(desk, 1, 3)
    assert desk.decode() == (1, 1), "one page may always wait, whatever its size"
    thread = waits(desk.decode)
    desk.taken()
    thread.join(10)

    assert [page.number for page in desk.scheduler.ahead.pages] == [2]


# -- the end of a document


def test_a_complete_document_is_rendered_while_others_go_on(desk: Desk) -> None:
    of_pages(desk, 1, 3)
    pictures(desk, -2)
    assert [desk.decode() for _ in range(2)] == [(-2, 1), (1, 1)]
    for _ in range(2):
        desk.read(desk.taken())

    assert desk.render() == -2 and desk.ends() == {-2: "read"}
    assert desk.decode() == (1, 2)


def test_a_failed_page_fails_its_document_and_no_other(desk: Desk) -> None:
    pictures(desk, 1, 2)
    desk.decode(), desk.decode()
    page, other = desk.taken(), desk.taken()
    desk.scheduler.read(PageFailure(page.key, Reason.ENGINE_ERROR, "it cannot be read"))
    desk.read(other)

    (outcome,) = desk.outcomes()
    assert (outcome.job, outcome.end, outcome.reason) == (1, "engine", Reason.ENGINE_ERROR)
    assert outcome.detail == "it cannot be read"
    assert desk.render() == 2 and desk.ends() == {1: "engine", 2: "read"}


def test_what_comes_back_of_a_document_that_is_over_is_left_aside(desk: Desk) -> None:
    of_pages(desk, 1, 2)
    desk.open()
    desk.decode()
    page = desk.take()
    assert page is not None
    desk.scheduler.drop(1, 1)
    desk.read(page)
    desk.end_decoding()

    assert desk.ends() == {1: "drained"} and not desk.scheduler.wants_reading


def test_dropping_counts_only_under_the_claim_it_was_given_for(desk: Desk) -> None:
    pictures(desk, 1)
    desk.scheduler.drop(1, 2)
    assert not desk.outcomes()
    desk.scheduler.drop(1, 1)
    assert desk.ends() == {1: "drained"}


def test_a_document_that_is_dropped_while_it_is_being_decoded_is_let_go(desk: Desk) -> None:
    of_pages(desk, 1, 2)
    desk.open()
    held = desk.scheduler.next_to_decode()
    assert held is not None
    desk.scheduler.drop(1, 1)
    page = held.next_page()  # the decoder's thread has it still
    desk.scheduler.decoded(held, page)
    pictures(desk, 2)

    assert desk.open().order.job == 2 and desk.take() is None
    with pytest.raises(ReasonedError, match="decoder crashed"):
        held.next_page()


# -- draining


def test_draining_gives_no_page_out_and_hands_back_all_that_is_not_complete(desk: Desk) -> None:
    of_pages(desk, 1, 2)
    pictures(desk, 2, 3)
    desk.scheduler.ahead.most_pages = 4
    for _ in range(3):
        desk.decode()
    first, second = desk.taken(), desk.taken()
    desk.scheduler.drain()
    assert desk.take() is None and desk.scheduler.has_work
    desk.read(first)
    desk.read(second)
    desk.scheduler.hand_back("drained")
    desk.end_decoding()

    assert desk.ends() == {2: "drained", 3: "drained"}
    assert not desk.scheduler.has_work


def test_what_arrives_while_pages_are_handed_back_goes_back_too(desk: Desk) -> None:
    desk.scheduler.drain()
    pictures(desk, 1)
    assert desk.ends() == {1: "drained"}
    desk.scheduler.hand_back("drained")
    pictures(desk, 2)

    assert desk.open().order.job == 2


def test_draining_does_not_go_on_decoding(desk: Desk) -> None:
    pictures(desk, 1)
    desk.open()
    desk.scheduler.drain()
    thread = waits(desk.scheduler.next_to_decode)
    desk.scheduler.close()
    thread.join(10)
    assert not thread.is_alive()


def test_only_the_documents_that_are_named_go_back_as_suspects(desk: Desk) -> None:
    pictures(desk, 1, 2, 3)
    for _ in range(2):
        desk.decode()
        desk.taken()
    assert desk.scheduler.in_engine == {1, 2}
    desk.scheduler.hand_back("suspect", only=desk.scheduler.in_engine)

    assert desk.ends() == {1: "suspect", 2: "suspect"}
    assert desk.open().order.job == 3


def test_a_document_that_is_being_opened_goes_back_too(desk: Desk, decoders: Decoders) -> None:
    pictures(desk, 1)
    held = desk.scheduler.next_to_decode()
    assert held is not None
    desk.scheduler.hand_back("drained")
    assert desk.ends() == {1: "drained"}


# -- the engine's side


def test_an_engine_that_waits_gets_the_page_when_it_comes_and_none_at_the_end(desk: Desk) -> None:
    pictures(desk, 1)
    taken: list[object] = []

    def take() -> None:
        for _ in range(2):
            taken.append(desk.scheduler.take(wait=True, interrupted=lambda: False))

    thread = waits(take)
    desk.open()
    desk.decode()
    wait_for(lambda: taken, "the page is taken")
    pictures(desk, 2)
    desk.scheduler.drop(2, 1)
    desk.scheduler.close()
    thread.join(10)
    assert len(taken) == 2 and taken[1] is None


def test_an_engine_that_waits_goes_when_something_else_comes_first(desk: Desk) -> None:
    pictures(desk, 1)
    asked: list[bool] = []
    thread = waits(lambda: desk.scheduler.take(wait=True, interrupted=lambda: bool(asked)))
    with desk.scheduler.changed:
        asked.append(True)
        desk.scheduler.changed.notify_all()
    thread.join(10)
    assert not thread.is_alive()


def test_pages_with_their_own_text_need_no_engine_and_do_not_fill_the_look_ahead(desk: Desk) -> None:
    from dropscribe.core.pages import PageText

    of_pages(desk, 1, 5)
    desk.open()
    for _ in range(5):
        held = desk.scheduler.next_to_decode()
        assert held is not None
        page = held.next_page()
        desk.scheduler.decoded(held, PageText(page.number, 1, 1, "own", "own", document=1))

    assert desk.take() is None
    assert desk.render() == 1 and desk.ends() == {1: "read"}


def test_a_complete_document_is_written_although_the_others_go_back(desk: Desk) -> None:
    pictures(desk, 1, 2)
    desk.decode()
    page = desk.taken()
    desk.scheduler.drain()
    desk.read(page)
    desk.scheduler.hand_back("drained")

    assert desk.ends() == {2: "drained"} and desk.render() == 1
    assert desk.ends() == {2: "drained", 1: "read"}


def test_a_second_document_of_the_same_content_takes_its_pages_from_the_first(desk: Desk) -> None:
    of_pages(desk, 1, 2)
    for job in (2, 3):
        desk.add(job, desk.root / "1.tif")
    desk.scheduler.ahead.most_pages = 8
    assert [desk.decode() for _ in range(2)] == [(1, 1), (1, 2)]
    desk.open(), desk.open()
    thread = waits(desk.scheduler.next_to_decode)
    desk.read(desk.taken())
    desk.read(desk.taken())
    assert [desk.render() for _ in range(3)] == [1, 2, 3]
    desk.scheduler.close()
    thread.join(10)

    assert [(o.job, o.end, o.reused) for o in desk.outcomes()] == [
        (1, "read", False),
        (2, "read", True),
        (3, "read", True),
    ]


def test_what_the_first_of_the_same_content_leaves_unread_the_second_reads(desk: Desk) -> None:
    of_pages(desk, 1, 3)
    desk.add(2, desk.root / "1.tif")
    assert [desk.decode() for _ in range(2)] == [(1, 1), (1, 2)]
    desk.read(desk.taken())
    desk.scheduler.drop(1, 1)

    assert [desk.decode() for _ in range(2)] == [(2, 2), (2, 3)]


def test_an_urgent_document_does_not_wait_for_its_like(desk: Desk) -> None:
    of_pages(desk, 1, 2)
    desk.decode()
    desk.add(-1, desk.root / "1.tif")

    assert desk.decode() == (-1, 1)


def test_a_text_that_finds_no_room_fails_no_file_but_pauses_the_queue(desk: Desk) -> None:
    pictures(desk, 1)
    desk.decode()
    page = desk.taken()
    name = key(hashlib.sha256((desk.root / "1.png").read_bytes()).hexdigest(), ENGINE, desk.settings, None)
    (desk.root / "state" / "pages" / f"{name}.jsonl").symlink_to("/dev/full")
    desk.read(page)

    (outcome,) = desk.outcomes()
    assert (outcome.end, outcome.reason) == ("environment", Reason.DISK_FULL)
