"""Which page is next, how far decoding runs ahead, and which document waits for another of its content."""

from support.scheduling import Desk, waits

# -- the order


def test_documents_come_in_the_order_of_their_arrival_and_urgent_ones_first(desk: Desk) -> None:
    desk.pictures(1, 2, -1, 3, -2)
    order = []
    for _ in range(5):
        desk.decode()
        order.append(desk.taken().document)

    assert order == [-1, -2, 1, 2, 3]


def test_an_urgent_file_passes_what_is_decoded_already(desk: Desk) -> None:
    desk.scheduler.ahead.most_pages = 4
    desk.pictures(1, 2, -1)
    assert [desk.decode() for _ in range(3)] == [(-1, 1), (1, 1), (2, 1)]
    desk.pictures(-2)
    assert desk.decode() == (-2, 1)

    assert [desk.taken().document for _ in range(4)] == [-1, -2, 1, 2]


def test_a_long_document_lets_short_ones_pass_and_goes_on_afterwards(desk: Desk) -> None:
    desk.of_pages(1, 21)
    desk.open()
    assert desk.decode() == (1, 1)
    desk.of_pages(2, 20)
    desk.open()

    assert desk.decode() == (2, 1)
    first, second = desk.take(), desk.take()
    assert first is not None and second is not None
    assert (first.key, second.key) == ((2, 1), (1, 1)), "the page that is there already is read in between"
    assert [desk.decode() for _ in range(2)] == [(2, 2), (2, 3)]


def test_pages_of_a_document_go_to_the_engine_in_their_order(desk: Desk) -> None:
    desk.of_pages(1, 5)
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
    desk.of_pages(1, 6)
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
    desk.of_pages(1, 3)
    assert desk.decode() == (1, 1), "one page may always wait, whatever its size"
    thread = waits(desk.decode)
    desk.taken()
    thread.join(10)

    assert [page.number for page in desk.scheduler.ahead.pages] == [2]


# -- the same content


def test_a_second_document_of_the_same_content_takes_its_pages_from_the_first(desk: Desk) -> None:
    desk.of_pages(1, 2)
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
    desk.of_pages(1, 3)
    desk.add(2, desk.root / "1.tif")
    assert [desk.decode() for _ in range(2)] == [(1, 1), (1, 2)]
    desk.read(desk.taken())
    desk.scheduler.drop(1, 1)

    assert [desk.decode() for _ in range(2)] == [(2, 2), (2, 3)]


def test_an_urgent_document_does_not_wait_for_its_like(desk: Desk) -> None:
    desk.of_pages(1, 2)
    desk.decode()
    desk.add(-1, desk.root / "1.tif")

    assert desk.decode() == (-1, 1)
