"""Below a configured folder nothing is a link, a stranger's or out of bounds, whatever others put there."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dropscribe.files import places
from dropscribe.files.places import Place, UnusableLevel

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a second user takes root")


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    (tmp_path / "root").mkdir()
    return os.fsencode(tmp_path / "root")


def inode(root: bytes, below: bytes, **named: bool) -> int:
    with places.opened(root, below, **named) as folder:
        return os.fstat(folder).st_ino


def test_the_configured_folder_may_be_a_link_and_is_followed_anew_each_time(root: bytes, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("root")
    link = os.fsencode(tmp_path / "link")
    assert inode(link, b"") == os.stat(root).st_ino

    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(tmp_path)
    assert inode(link, b"root") == os.stat(root).st_ino


@pytest.mark.parametrize("below", [b"link", b"link/inside", b"a/link", b"file", b"pipe", b"..", b"a/../a", b"."])
def test_a_level_that_is_no_folder_of_its_own_is_refused_and_named(root: bytes, tmp_path: Path, below: bytes) -> None:
    (tmp_path / "private" / "inside").mkdir(parents=True)
    os.makedirs(root + b"/a")
    os.symlink(tmp_path / "private", root + b"/link")
    os.symlink(tmp_path / "private", root + b"/a/link")
    open(root + b"/file", "wb").close()
    os.mkfifo(root + b"/pipe")

    anyway = {"any_owner": True}
    for act in (lambda: inode(root, below), lambda: inode(root, below, **anyway), lambda: places.make(root, below)):
        with pytest.raises(UnusableLevel) as caught:
            act()
        assert os.fsdecode(root) in str(caught.value.filename) and "b'" not in str(caught.value)


def test_a_missing_level_is_missing(root: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        inode(root, b"none")
    assert Place(root, b"none/a.png").found() is None


@as_root
@pytest.mark.parametrize(
    "above, owner, used",
    [(0o1777, NOBODY, False), (0o777, NOBODY, True), (0o755, 0, True), (0o1777, 0, True), (0o755, NOBODY, False)],
)
def test_a_strangers_level_is_used_only_where_strangers_may_do_as_they_like(
    root: bytes, above: int, owner: int, used: bool
) -> None:
    os.chmod(root, above)
    os.mkdir(root + b"/sub")
    os.chown(root + b"/sub", owner, -1)

    assert places.usable(root, b"sub") == (b"sub" if used else b"sub (2)")
    assert inode(root, b"sub", any_owner=True) == os.stat(root + b"/sub").st_ino
    if not used:
        with pytest.raises(UnusableLevel):
            inode(root, b"sub")


@as_root
def test_what_the_owner_of_the_configured_folder_has_made_is_used(root: bytes) -> None:
    os.mkdir(root + b"/sub")
    for folder in (root, root + b"/sub"):
        os.chown(folder, NOBODY, -1)
    os.chmod(root, 0o1777)

    assert places.usable(root, b"sub") == b"sub"


def test_folders_are_made_with_the_rights_of_their_models(root: bytes, tmp_path: Path) -> None:
    model, old = os.fsencode(tmp_path / "inbox"), os.umask(0o022)
    try:
        for below, mode in ((b"", 0o755), (b"/a", 0o700), (b"/a/b", 0o777), (b"/a/b/c", 0o555)):
            os.mkdir(model + below)
            os.chmod(model + below, mode)
        made = places.make(root, b"a/b/c/d", places.modes(model, b"a/b/c/none"))
    finally:
        os.umask(old)

    assert made == [root + below for below in (b"/a", b"/a/b", b"/a/b/c", b"/a/b/c/d")]
    assert [stat.S_IMODE(os.stat(folder).st_mode) for folder in made] == [0o700, 0o755, 0o755, 0o755]


def test_only_folders_that_were_not_there_are_told(root: bytes) -> None:
    assert places.make(root, b"a/b") == [root + b"/a", root + b"/a/b"]
    assert places.make(root, b"a/b") == []
    assert places.make(root, b"") == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: os.symlink(b"nowhere", p), lambda p: open(p, "wb").close()])
def test_a_level_whose_name_is_taken_gets_a_number(root: bytes, make: Callable[[bytes], None]) -> None:
    make(root + b"/a")
    os.mkdir(root + b"/a (2)")
    make(root + b"/a (2)/b")

    assert places.usable(root, b"a/b/c") == b"a (2)/b (2)/c"


def test_a_place_is_below_the_root_that_it_lies_in() -> None:
    place = Place.of(b"/x/archive/sub/a.png", [b"/x/in", b"/x/arch", b"/x/archive"])

    assert (place.root, place.path, place.below, place.name) == (b"/x/archive", b"sub/a.png", b"sub", b"a.png")
    assert place.absolute == b"/x/archive/sub/a.png"
    assert Place.of(b"/y/old/a.png", [b"/x/in"]) == Place(b"/y/old", b"a.png")


def test_whether_a_name_can_be_held_is_found_out_by_trying_and_leaves_nothing(root: bytes) -> None:
    open(root + b"/taken", "wb").close()
    assert places.holds(Place(root, b"free")) and places.holds(Place(root, b"taken"))
    assert not places.holds(Place(root, b"x" * 256)) and not places.holds(Place(root, b"none/a"))
    assert places.refuses(Place(root, b"x" * 256)) and not places.refuses(Place(root, b"free"))
    assert not places.refuses(Place(root + b"/gone", b"x")), "the folder is missing: no name's fault"

    assert os.listdir(root) == [b"taken"]
