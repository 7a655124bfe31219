"""How documents leave the worker's hands: complete, failed, dropped, handed back."""

import hashlib

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import PageFailure, PageText
from dropscribe.worker.page_cache import key
from support.harness import wait_for
from support.scheduling import ENGINE, Desk, waits


def test_a_complete_document_is_rendered_while_others_go_on(desk: Desk) -> None:
    desk.of_pages(1, 3)
    desk.pictures(-2)
    assert [desk.decode() for _ in range(2)] == [(-2, 1), (1, 1)]
    for _ in range(2):
        desk.read(desk.taken())

    assert desk.render() == -2 and desk.ends() == {-2: "read"}
    assert desk.decode() == (1, 2)


def test_a_failed_page_fails_its_document_and_no_other(desk: Desk) -> None:
    desk.pictures(1, 2)
    desk.decode(), desk.decode()
    page, other = desk.taken(), desk.taken()
    desk.scheduler.read(PageFailure(page.key, Reason.ENGINE_ERROR, "it cannot be read"))
    desk.read(other)

    (outcome,) = desk.outcomes()
    assert (outcome.job, outcome.end, outcome.reason) == (1, "engine", Reason.ENGINE_ERROR)
    assert outcome.detail == "it cannot be read"
    assert desk.render() == 2 and desk.ends() == {1: "engine", 2: "read"}


def test_what_comes_back_of_a_document_that_is_over_is_left_aside(desk: Desk) -> None:
    desk.of_pages(1, 2)
    desk.open()
    desk.decode()
    page = desk.take()
    assert page is not None
    desk.scheduler.drop(1, 1)
    desk.read(page)
    desk.end_decoding()

    assert desk.ends() == {1: "drained"} and not desk.scheduler.wants_reading


def test_dropping_counts_only_under_the_claim_it_was_given_for(desk: Desk) -> None:
    desk.pictures(1)
    desk.scheduler.drop(1, 2)
    assert not desk.outcomes()
    desk.scheduler.drop(1, 1)
    assert desk.ends() == {1: "drained"}


def test_a_document_that_is_dropped_while_it_is_being_decoded_is_let_go(desk: Desk) -> None:
    desk.of_pages(1, 2)
    desk.open()
    held = desk.scheduler.next_to_decode()
    assert held is not None
    desk.scheduler.drop(1, 1)
    page = held.next_page()  # the decoder's thread has it still
    desk.scheduler.decoded(held, page)
    desk.pictures(2)

    assert desk.open().order.job == 2 and desk.take() is None
    with pytest.raises(ReasonedError, match="decoder crashed"):
        held.next_page()


# -- draining


def test_draining_gives_no_page_out_and_hands_back_all_that_is_not_complete(desk: Desk) -> None:
    desk.of_pages(1, 2)
    desk.pictures(2, 3)
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
    desk.pictures(1)
    assert desk.ends() == {1: "drained"}
    desk.scheduler.hand_back("drained")
    desk.pictures(2)

    assert desk.open().order.job == 2


def test_draining_does_not_go_on_decoding(desk: Desk) -> None:
    desk.pictures(1)
    desk.open()
    desk.scheduler.drain()
    thread = waits(desk.scheduler.next_to_decode)
    desk.scheduler.close()
    thread.join(10)
    assert not thread.is_alive()


def test_only_the_documents_that_are_named_go_back_as_suspects(desk: Desk) -> None:
    desk.pictures(1, 2, 3)
    for _ in range(2):
        desk.decode()
        desk.taken()
    assert desk.scheduler.in_engine == {1, 2}
    desk.scheduler.hand_back("suspect", only=desk.scheduler.in_engine)

    assert desk.ends() == {1: "suspect", 2: "suspect"}
    assert desk.open().order.job == 3


def test_a_document_that_is_being_opened_goes_back_too(desk: Desk) -> None:
    desk.pictures(1)
    held = desk.scheduler.next_to_decode()
    assert held is not None
    desk.scheduler.hand_back("drained")
    assert desk.ends() == {1: "drained"}


def test_a_complete_document_is_written_although_the_others_go_back(desk: Desk) -> None:
    desk.pictures(1, 2)
    desk.decode()
    page = desk.taken()
    desk.scheduler.drain()
    desk.read(page)
    desk.scheduler.hand_back("drained")

    assert desk.ends() == {2: "drained"} and desk.render() == 1
    assert desk.ends() == {2: "drained", 1: "read"}


def test_a_text_that_finds_no_room_fails_no_file_but_pauses_the_queue(desk: Desk) -> None:
    desk.pictures(1)
    desk.decode()
    page = desk.taken()
    name = key(hashlib.sha256((desk.root / "1.png").read_bytes()).hexdigest(), ENGINE, desk.settings, None)
    (desk.root / "state" / "pages" / f"{name}.jsonl").symlink_to("/dev/full")
    desk.read(page)

    (outcome,) = desk.outcomes()
    assert (outcome.end, outcome.reason) == ("environment", Reason.DISK_FULL)


# -- the engine's side


def test_an_engine_that_waits_gets_the_page_when_it_comes_and_none_at_the_end(desk: Desk) -> None:
    desk.pictures(1)
    taken: list[object] = []

    def take() -> None:
        for _ in range(2):
            taken.append(desk.scheduler.take(wait=True, interrupted=lambda: False))

    thread = waits(take)
    desk.open()
    desk.decode()
    wait_for(lambda: taken, "the page is taken")
    desk.pictures(2)
    desk.scheduler.drop(2, 1)
    desk.scheduler.close()
    thread.join(10)
    assert len(taken) == 2 and taken[1] is None


def test_an_engine_that_waits_goes_when_something_else_comes_first(desk: Desk) -> None:
    desk.pictures(1)
    asked: list[bool] = []
    thread = waits(lambda: desk.scheduler.take(wait=True, interrupted=lambda: bool(asked)))
    with desk.scheduler.changed:
        asked.append(True)
        desk.scheduler.changed.notify_all()
    thread.join(10)
    assert not thread.is_alive()


def test_pages_with_their_own_text_need_no_engine_and_do_not_fill_the_look_ahead(desk: Desk) -> None:
    desk.of_pages(1, 5)
    desk.open()
    for _ in range(5):
        held = desk.scheduler.next_to_decode()
        assert held is not None
        page = held.next_page()
        desk.scheduler.decoded(held, PageText(page.number, 1, 1, "own", "own", document=1))

    assert desk.take() is None
    assert desk.render() == 1 and desk.ends() == {1: "read"}
