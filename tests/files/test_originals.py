"""An original is in one of the two places after every crash, and no byte of anybody is ever lost."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.job import Signature
from dropscribe.files import durable, originals, places, regular
from dropscribe.files.ledger import Ledger
from dropscribe.files.originals import MoveResult
from dropscribe.files.places import Place
from support.byte_files import put, read

SECOND_VOLUME = "/dev/shm"


def second_volume() -> bool:
    return os.path.isdir(SECOND_VOLUME) and os.stat(SECOND_VOLUME).st_dev != os.stat(tempfile.gettempdir()).st_dev


@pytest.fixture(params=["same volume", "across volumes"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[bytes]:
    """A free destination, on the volume of the inbox and on another."""
    if request.param == "same volume":
        (tmp_path / "archive").mkdir()
        yield os.fsencode(tmp_path / "archive" / "scan.png")
        return
    if not second_volume():
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir=SECOND_VOLUME) as there:
        yield os.fsencode(os.path.join(there, "scan.png"))


@pytest.fixture
def source(tmp_path: Path) -> bytes:
    (tmp_path / "inbox").mkdir()
    return put(os.fsencode(tmp_path / "inbox" / "scan.png"), b"the picture")


def signature(path: bytes) -> Signature:
    return Signature.of(os.lstat(path))


def move(source: bytes, claimed: Signature, target: bytes, left: Place | None = None) -> MoveResult:
    """Move as the daemon does, with its records in a private folder; none may be left."""
    with tempfile.TemporaryDirectory() as state:
        old, new = Place(*os.path.split(source)), Place(*os.path.split(target))
        ended = originals.move(old, claimed, new, Ledger(state), left=left)
        records = os.path.join(state, "temporary")
        assert not os.path.isdir(records) or os.listdir(records) == []
    return ended


def copy(source: bytes, target: bytes) -> None:
    with regular.opened(source) as data, places.opened(os.path.dirname(target)) as folder:
        durable.copy(data, os.path.basename(target), folder)


# -- putting away: every window


def test_an_original_moves_whole_and_a_repeat_finds_it_moved(source: bytes, target: bytes) -> None:
    claimed = signature(source)

    assert move(source, claimed, target) is MoveResult.MOVED
    assert (read(source), read(target)) == (None, b"the picture")
    assert move(source, claimed, target) is MoveResult.MOVED
    assert os.listdir(os.path.dirname(target)) == [b"scan.png"]


def test_a_moved_original_keeps_its_time(source: bytes, target: bytes) -> None:
    os.utime(source, ns=(10**18, 10**18 + 123_000_000))

    move(source, signature(source), target)

    assert os.stat(target).st_mtime_ns == 10**18 + 123_000_000


def test_a_crash_between_copy_and_unlink_ends_in_one_copy(source: bytes, target: bytes) -> None:
    claimed = signature(source)
    copy(source, target)

    assert move(source, claimed, target) is MoveResult.MOVED
    assert (read(source), read(target)) == (None, b"the picture")


def test_a_crash_between_link_and_unlink_ends_in_one_name(source: bytes, tmp_path: Path) -> None:
    claimed, target = signature(source), os.fsencode(tmp_path / "archived.png")
    os.link(source, target)

    assert move(source, claimed, target) is MoveResult.MOVED
    assert (read(source), signature(target)) == (None, claimed)


def test_new_content_stays_in_the_inbox(source: bytes, target: bytes) -> None:
    claimed = signature(source)
    put(source, b"a new picture")

    assert move(source, claimed, target) is MoveResult.CHANGED
    assert (read(source), read(target)) == (b"a new picture", None)


def test_new_content_of_the_same_size_and_time_is_noticed_by_its_inode(source: bytes, target: bytes) -> None:
    claimed = signature(source)
    os.rename(source, source + b".old")
    put(source, b"THE PICTURE")
    os.utime(source, ns=(claimed.mtime_ns, claimed.mtime_ns))

    assert move(source, claimed, target) is MoveResult.CHANGED
    assert read(source) == b"THE PICTURE"


def test_a_new_file_under_the_name_of_one_that_was_moved_before_a_crash_stays(source: bytes, tmp_path: Path) -> None:
    claimed, target = signature(source), os.fsencode(tmp_path / "archived.png")
    durable.rename(source, target)
    put(source, b"the next picture")

    assert move(source, claimed, target) is MoveResult.MOVED
    assert (read(source), read(target)) == (b"the next picture", b"the picture")


def test_an_original_that_is_nowhere_is_missing(source: bytes, target: bytes) -> None:
    claimed = signature(source)
    os.unlink(source)

    assert move(source, claimed, target) is MoveResult.MISSING


@pytest.mark.parametrize("stranger", [b"of another size", b"THE PICTURE", b""])
def test_a_stranger_at_the_destination_keeps_it(source: bytes, target: bytes, stranger: bytes) -> None:
    put(target, stranger)

    assert move(source, signature(source), target) is MoveResult.TAKEN
    assert (read(source), read(target)) == (b"the picture", stranger)


@pytest.mark.parametrize("kind", ["folder", "dangling link", "link to the original"])
def test_whatever_lies_at_the_destination_keeps_it(source: bytes, target: bytes, kind: str) -> None:
    if kind == "folder":
        os.mkdir(target)
    else:
        os.symlink(b"nowhere" if kind == "dangling link" else source, target)

    assert move(source, signature(source), target) is MoveResult.TAKEN
    assert read(source) == b"the picture"


def test_a_destination_folder_that_is_gone_is_an_error_for_later(source: bytes, target: bytes) -> None:
    with pytest.raises(OSError):
        move(source, signature(source), os.path.join(os.path.dirname(target), b"gone", b"scan.png"))

    assert read(source) == b"the picture"


def test_another_device_number_alone_is_no_change(source: bytes, target: bytes) -> None:
    claimed = signature(source)
    remounted = Signature(claimed.size, claimed.mtime_ns, claimed.inode, claimed.device + 1)

    assert move(source, remounted, target) is MoveResult.MOVED


CONTENTS = st.sampled_from([b"", b"one", b"two", b"longer than the others"])


@settings(max_examples=150, deadline=None)
@given(
    claimed=CONTENTS,
    now=st.one_of(st.none(), st.just("same"), CONTENTS),
    there=st.one_of(st.none(), st.sampled_from(["copy", "link"]), CONTENTS),
    across=st.booleans(),
    times=st.integers(1, 3),
)
def test_no_bytes_are_lost_whatever_lies_where(
    claimed: bytes, now: bytes | str | None, there: bytes | str | None, across: bool, times: int
) -> None:
    """*now*: what became of the original since it was claimed; *there*: what lies at the destination."""
    with ExitStack() as stack:
        here = os.fsencode(stack.enter_context(tempfile.TemporaryDirectory()))
        place = SECOND_VOLUME if across and second_volume() else None
        away = os.fsencode(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
        source, target = os.path.join(here, b"a.png"), os.path.join(away, b"a.png")
        wanted = signature(put(source, claimed))
        if there == "link" and not (across and second_volume()):
            os.link(source, target)
        elif isinstance(there, str):
            copy(source, target)
        elif there is not None:
            put(target, there)
        if now != "same":
            os.unlink(source)
        if isinstance(now, bytes):
            put(source, now)
        before = {read(source), read(target)} - {None}

        first = move(source, wanted, target)
        for _ in range(times):
            again = move(source, wanted, target)

        assert before <= {read(source), read(target)}
        assert again is first or (first, again) == (MoveResult.CHANGED, MoveResult.CHANGED)
        assert set(os.listdir(here)) | set(os.listdir(away)) <= {b"a.png"}
        if now == "same" and first is MoveResult.MOVED:
            assert (read(source), read(target)) == (None, claimed)


# -- left for a while beside where it was


def test_an_original_that_was_copied_is_left_under_a_hidden_name_and_a_repeat_finds_that(
    source: bytes, target: bytes
) -> None:
    claimed, hidden = signature(source), Place(os.path.dirname(source), b".left")
    across = os.stat(os.path.dirname(target)).st_dev != os.stat(source).st_dev

    for _ in range(2):
        assert move(source, claimed, target, hidden) is MoveResult.MOVED
        assert (read(source), read(target)) == (None, b"the picture")
        assert originals.was_left(hidden, claimed) is across


def test_a_crash_between_copy_and_hiding_leads_to_hiding(source: bytes, target: bytes) -> None:
    claimed, hidden = signature(source), Place(os.path.dirname(source), b".left")
    copy(source, target)

    assert move(source, claimed, target, hidden) is MoveResult.MOVED
    assert (read(source), read(target), read(hidden.absolute)) == (None, b"the picture", b"the picture")


def test_a_strangers_file_under_the_hidden_name_is_no_original(source: bytes, target: bytes) -> None:
    claimed, hidden = signature(source), Place(os.path.dirname(source), b".left")
    put(hidden.absolute, b"planted")

    assert move(source, claimed, target, hidden) is MoveResult.MOVED
    assert (read(source), read(target), read(hidden.absolute)) == (None, b"the picture", b"planted")
    assert not originals.was_left(hidden, claimed)
