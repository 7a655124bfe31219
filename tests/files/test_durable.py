"""Moves and writes never replace anything, whatever the file system lacks and whatever the names are."""

import errno
import os
import stat
import tempfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.files import durable, places, regular
from dropscribe.intake.events import EventBuffer, Watch
from support.denied_calls import NO_LINK, NO_RENAME, rename_where_denied

ODD_NAMES = [b"line\nbreak.png", b"\xff\xfe undecodable", b" ", "naïve 日本.png".encode(), b"x" * 255, b"-rf", b"a\\b"]


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path)


@pytest.fixture
def other_volume(tmp_path: Path) -> Iterator[bytes]:
    """A folder on another volume than tmp_path, or skip."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as there:
        yield os.fsencode(there)


def put(folder: bytes, name: bytes, data: bytes = b"data") -> bytes:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


# -- rename


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_rename_keeps_every_kind_of_name_and_the_inode(folder: bytes, name: bytes) -> None:
    old, new = put(folder, b"old"), os.path.join(folder, name)
    inode = os.stat(old).st_ino

    durable.rename(old, new)

    assert (os.listdir(folder), os.stat(new).st_ino) == ([name], inode)


def test_a_rename_takes_text_paths_as_well(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")

    durable.rename(str(tmp_path / "a"), str(tmp_path / "ä\udcff"))

    assert os.listdir(os.fsencode(tmp_path)) == ["ä\udcff".encode(errors="surrogateescape")]


@pytest.mark.parametrize("occupant", ["file", "link of the same file", "dangling link", "folder"])
def test_a_rename_never_replaces_what_is_there(folder: bytes, occupant: str) -> None:
    old, new = put(folder, b"old", b"mine"), os.path.join(folder, b"new")
    if occupant == "file":
        put(folder, b"new", b"theirs")
    elif occupant == "link of the same file":
        os.link(old, new)
    elif occupant == "dangling link":
        os.symlink(b"nowhere", new)
    else:
        os.mkdir(new)
    before = os.lstat(new).st_ino, os.lstat(new).st_mode

    with pytest.raises(FileExistsError):
        durable.rename(old, new)

    assert read(old) == b"mine"
    assert (os.lstat(new).st_ino, os.lstat(new).st_mode) == before


def test_a_rename_of_nothing_says_so_and_leaves_nothing(folder: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        durable.rename(os.path.join(folder, b"none"), os.path.join(folder, b"new"))

    assert os.listdir(folder) == []


def test_a_rename_moves_the_link_itself_and_not_what_it_points_to(folder: bytes) -> None:
    target = put(folder, b"target")
    os.symlink(b"target", os.path.join(folder, b"link"))

    durable.rename(os.path.join(folder, b"link"), os.path.join(folder, b"moved"))

    assert (os.path.islink(os.path.join(folder, b"moved")), read(target)) == (True, b"data")


def test_a_rename_to_another_volume_is_refused_and_leaves_nothing_there(folder: bytes, other_volume: bytes) -> None:
    old = put(folder, b"old")

    with pytest.raises(OSError) as caught:
        durable.rename(old, os.path.join(other_volume, b"new"))

    assert caught.value.errno == errno.EXDEV
    assert (os.listdir(other_volume), read(old)) == ([], b"data")


@pytest.mark.parametrize("missing", [NO_RENAME, NO_LINK])
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_where_the_call_is_missing_the_file_is_moved_all_the_same(folder: bytes, missing: str, error: int) -> None:
    old = put(folder, b"old", b"bytes")

    ended = rename_where_denied(missing, error, old, os.path.join(folder, b"new\n\xff"))

    assert (ended, os.listdir(folder)) == ("moved", [b"new\n\xff"])
    assert read(os.path.join(folder, b"new\n\xff")) == b"bytes"


@pytest.mark.parametrize("missing", [NO_RENAME, NO_LINK])
def test_where_the_call_is_missing_nothing_is_replaced_either(folder: bytes, missing: str) -> None:
    old, new = put(folder, b"old", b"mine"), put(folder, b"new", b"theirs")

    ended = rename_where_denied(missing, errno.ENOSYS, old, new)

    assert (ended, read(old), read(new)) == ("FileExistsError", b"mine", b"theirs")


@pytest.mark.parametrize("missing", [NO_RENAME, NO_LINK])
def test_where_the_call_is_missing_a_vanished_file_is_told(folder: bytes, missing: str) -> None:
    assert rename_where_denied(missing, errno.ENOSYS, folder + b"/none", folder + b"/new") in (
        "FileNotFoundError",
        "PermissionError",  # linkat is refused before it looks
    )


def test_a_move_that_fails_in_the_last_resort_leaves_no_empty_file(folder: bytes) -> None:
    # A folder cannot be moved into itself: EINVAL, for which every fall-back is tried.
    inner = os.path.join(folder, b"outer")
    os.mkdir(inner)

    with pytest.raises(OSError):
        durable.rename(inner, os.path.join(inner, b"inside"))

    assert os.listdir(inner) == []


def test_a_vanished_file_leaves_no_empty_file_where_calls_are_missing(folder: bytes) -> None:
    rename_where_denied(NO_LINK, errno.ENOSYS, folder + b"/none", folder + b"/new")

    assert os.listdir(folder) == []


# -- copy


def copy(source: bytes, target: bytes, mode: int | None = None) -> None:
    with regular.opened(source) as data, places.opened(os.path.dirname(target)) as folder:
        durable.copy(data, os.path.basename(target), folder, mode)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_copy_to_another_volume_keeps_bytes_times_and_mode(folder: bytes, other_volume: bytes, name: bytes) -> None:
    source = put(folder, b"source", b"x" * 2_100_000)
    os.chmod(source, 0o640)
    os.utime(source, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    target = os.path.join(other_volume, name)

    copy(source, target)

    found = os.stat(target)
    assert (read(target), found.st_mtime_ns, found.st_mode & 0o777) == (
        b"x" * 2_100_000,
        1_600_000_000_123_456_789,
        0o640,
    )
    assert (os.listdir(other_volume), read(source)) == ([name], b"x" * 2_100_000)


def test_a_copy_with_a_mode_takes_the_bytes_alone(folder: bytes) -> None:
    source, old = put(folder, b"source", b"text"), os.umask(0o027)
    os.utime(source, ns=(10**18, 10**18))
    try:
        copy(source, folder + b"/target", 0o666)
    finally:
        os.umask(old)

    found = os.stat(folder + b"/target")
    assert (read(folder + b"/target"), found.st_mode & 0o777) == (b"text", 0o640)
    assert found.st_mtime_ns != 10**18


@pytest.mark.parametrize("occupant", ["file", "link", "link to nothing", "pipe", "folder"])
def test_a_copy_never_replaces_nor_writes_into_what_is_there(folder: bytes, occupant: str) -> None:
    source, target = put(folder, b"source", b"mine"), os.path.join(folder, b"taken")
    other = put(folder, b"other", b"theirs")
    make = {"file": lambda: put(folder, b"taken", b"theirs"), "link": lambda: os.symlink(other, target),
            "link to nothing": lambda: os.symlink(folder + b"/new", target), "pipe": lambda: os.mkfifo(target),
            "folder": lambda: os.mkdir(target)}  # fmt: skip
    make[occupant]()
    before = os.lstat(target).st_ino

    with pytest.raises(FileExistsError):
        copy(source, target)

    assert (sorted(os.listdir(folder)), os.lstat(target).st_ino) == ([b"other", b"source", b"taken"], before)
    assert (read(other), read(source)) == (b"theirs", b"mine")


def test_a_copy_of_nothing_leaves_nothing(folder: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        copy(os.path.join(folder, b"none"), os.path.join(folder, b"target"))

    assert os.listdir(folder) == []


@pytest.mark.parametrize("what", ["pipe", "device", "link", "folder"])
def test_only_a_regular_file_is_opened_and_nothing_hangs(folder: bytes, what: str) -> None:
    place = os.path.join(folder, b"place")
    make = {"pipe": lambda: os.mkfifo(place), "link": lambda: os.symlink(put(folder, b"private"), place),
            "folder": lambda: os.mkdir(place),
            "device": lambda: os.mknod(place, 0o600 | stat.S_IFCHR, 0x0501)}  # fmt: skip
    try:
        make[what]()
    except PermissionError:
        pytest.skip("making a device is not permitted here")

    with pytest.raises(OSError), regular.opened(place):
        raise AssertionError("it was opened")
    with pytest.raises(OSError), regular.created(place, None, 0o600):
        raise AssertionError("it was opened")


# -- write


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_written_file_is_whole_and_alone(folder: bytes, name: bytes) -> None:
    durable.write(os.path.join(folder, name), b"first, longer")
    durable.write(os.path.join(folder, name), b"second")

    assert (os.listdir(folder), read(os.path.join(folder, name))) == ([name], b"second")


def test_a_long_text_name_outside_ascii_can_be_written(tmp_path: Path) -> None:
    path = str(tmp_path / ("ä" * 125 + ".txt"))  # 254 bytes

    durable.write(path, b"text")

    assert Path(path).read_bytes() == b"text"


def test_what_a_crash_left_staged_is_removed_and_never_written_into(folder: bytes) -> None:
    other = put(folder, b"other", b"theirs")
    os.symlink(other, os.path.join(folder, b".dropscribe-%08x-6" % zlib.crc32(b"target")))

    durable.write(os.path.join(folder, b"target"), b"whole")

    assert (sorted(os.listdir(folder)), read(other)) == ([b"other", b"target"], b"theirs")
    assert read(os.path.join(folder, b"target")) == b"whole"


def test_a_write_that_fails_leaves_nothing_behind(folder: bytes) -> None:
    os.mkdir(os.path.join(folder, b"occupied"))

    with pytest.raises(OSError):
        durable.write(os.path.join(folder, b"occupied"), b"data")

    assert os.listdir(folder) == [b"occupied"]


def test_the_staged_name_of_a_long_name_is_valid_text_on_every_disk(folder: bytes) -> None:
    woken = threading.Event()
    hints, target = EventBuffer(woken.set), os.path.join(folder, b"x" + "ä".encode() * 110)
    watch, seen = Watch(os.fsdecode(folder), "native", hints), set[bytes]()
    try:
        durable.write(target, b"data")
        while target not in seen and woken.wait(10):
            woken.clear()
            seen.update(hints.take()[0])
    finally:
        watch.close()

    assert len(seen - {folder, target}) == 1
    for path in seen:
        path.decode("utf-8")


# -- folders and bytes


def test_only_folders_that_were_not_there_are_told_outermost_first(folder: bytes) -> None:
    wanted = os.path.join(folder, b"a", b"\xff", b"c")

    assert durable.make_folder(wanted) == [folder + b"/a", folder + b"/a/\xff", wanted]
    assert durable.make_folder(wanted) == []
    assert durable.make_folder(folder + b"/a/other") == [folder + b"/a/other"]


def test_a_file_in_the_way_of_a_folder_is_told(folder: bytes) -> None:
    put(folder, b"file")

    with pytest.raises(OSError):
        durable.make_folder(os.path.join(folder, b"file"))
    with pytest.raises(OSError):
        durable.make_folder(os.path.join(folder, b"file", b"below"))


def test_bytes_are_compared_and_not_sizes_or_times(folder: bytes) -> None:
    one, other = put(folder, b"one", b"abcd"), put(folder, b"other", b"abcd")
    assert same_bytes(one, other)
    stamp = os.stat(other)

    put(folder, b"other", b"abcX")
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert not same_bytes(one, other)
    assert not same_bytes(one, put(folder, b"other", b"abcde"))


def same_bytes(one: bytes, other: bytes) -> bool:
    with regular.opened(one) as here, regular.opened(other) as there:
        return durable.same_bytes(here, there)
