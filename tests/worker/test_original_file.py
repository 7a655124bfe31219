"""What is read is the file that was settled, through one descriptor, or nothing; and nothing in its place hangs."""

import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Order, Signature
from dropscribe.worker.decoder import UnreadError
from dropscribe.worker.original_file import OriginalFile

CONTENT = b"the picture" * 200_000


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "inbox" / "sub" / "scan.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def order(path: Path) -> Order:
    """Return the order for a file of the inbox two levels up."""
    settled = Order(1, 1, path.name, bytes(path.relative_to(path.parents[1])), b"out", b"/nowhere", ("txt",))
    return replace(settled, root=bytes(path.parents[1]), signature=Signature.of(path.lstat()))


def by_command(path: Path) -> Order:
    """Return the order for a file that somebody has named at a terminal."""
    return Order(-1, 0, path.name, bytes(path), b"out", b"/nowhere", ("txt",))


@pytest.mark.parametrize("make", [order, by_command])
def test_the_content_behind_the_descriptor_is_hashed_whatever_the_path_means_by_then(
    scan: Path, make: Callable[[Path], Order]
) -> None:
    file = OriginalFile(make(scan))
    scan.rename(scan.with_name("elsewhere"))
    scan.write_bytes(b"another")
    os.lseek(file.descriptor, 7, os.SEEK_SET)

    assert (file.size, file.digest()) == (len(CONTENT), sha256(CONTENT).hexdigest())
    assert os.lseek(file.descriptor, 0, os.SEEK_CUR) == 7
    file.close()
    file.close()


def other_content(path: Path) -> None:
    path.write_bytes(CONTENT.upper())


def same_in_all_but_the_inode(path: Path) -> None:
    before = path.stat()
    path.with_name("other").write_bytes(CONTENT.upper())
    os.utime(path.with_name("other"), ns=(before.st_atime_ns, before.st_mtime_ns))
    path.with_name("other").rename(path)


def link_to_it(path: Path) -> None:
    path.rename(path.with_name("moved.png"))
    path.symlink_to("moved.png")


def link_in_the_place_of_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to("moved")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nothing(path: Path) -> None:
    path.unlink()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "swap",
    [other_content, same_in_all_but_the_inode, link_to_it, link_in_the_place_of_the_folder, pipe, folder, nothing],
)
def test_what_has_come_in_its_place_goes_back_unread(scan: Path, swap: Callable[[Path], None]) -> None:
    given = order(scan)
    swap(scan)

    with pytest.raises(UnreadError):
        OriginalFile(given)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("swap", [pipe, folder, nothing])
def test_who_waits_at_a_terminal_is_told_instead(scan: Path, swap: Callable[[Path], None]) -> None:
    swap(scan)

    with pytest.raises(ReasonedError) as caught:
        OriginalFile(by_command(scan))
    assert caught.value.reason is Reason.UNREADABLE and not isinstance(caught.value, UnreadError)


@pytest.mark.timeout(20)
def test_a_device_is_not_read(scan: Path) -> None:
    with pytest.raises(ReasonedError, match="no regular file"):
        OriginalFile(by_command(Path("/dev/zero")))


def test_somebody_may_name_a_link_at_a_terminal(scan: Path) -> None:
    link_to_it(scan)
    file = OriginalFile(by_command(scan))
    assert file.size == len(CONTENT)
    file.close()


def test_a_change_is_seen_even_when_its_time_was_set_back(scan: Path) -> None:
    before = scan.stat()
    for make, error in ((order, UnreadError), (by_command, ReasonedError)):
        file = OriginalFile(make(scan))
        file.require_unchanged()
        with open(scan, "r+b") as writer:
            writer.write(b"X")
        os.utime(scan, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(error):
            file.require_unchanged()
        file.close()


def test_no_descriptor_is_left_by_a_refusal(scan: Path) -> None:
    given = order(scan)
    other_content(scan)
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(UnreadError):
            OriginalFile(given)
    assert len(os.listdir("/dev/fd")) == before
