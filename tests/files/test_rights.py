"""Texts have the rights that umask and folder give, and no wider ones than their picture unless these say so."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dropscribe.files import durable, places, regular, rights

NOBODY = 65534


@contextmanager
def masked(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def picture(folder: Path, like: int, group: int = -1) -> os.stat_result:
    path = folder / "picture"
    path.touch()
    os.chown(path, -1, group)
    path.chmod(like)
    try:
        return path.stat()
    finally:
        path.unlink()


def made(folder: Path, like: int, group: int = -1) -> int:
    """Return the rights of a text that is made in *folder* for a picture with the rights *like*."""
    found = picture(folder, like, group)
    with places.opened(os.fsencode(folder)) as there:
        with regular.created(b"text", there, rights.for_new(there, found)) as handle:
            found = stat.S_IMODE(os.fstat(handle).st_mode)
        os.unlink("text", dir_fd=there)
    return found


def acl(*arguments: str | Path) -> str:
    """Run setfacl or getfacl, or skip where they or ACLs are missing."""
    if shutil.which("setfacl") is None:
        pytest.skip("needs the package acl")
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no ACLs here: {done.stderr}")
    return done.stdout


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o027, 0o077])
def test_the_umask_is_that_of_the_process_and_stays(mask: int) -> None:
    with masked(mask):
        assert rights.umask() == mask
        assert os.umask(mask) == mask


@pytest.mark.parametrize(
    "mask, like, text",
    [
        (0o022, 0o644, 0o644),
        (0o002, 0o664, 0o664),
        (0o027, 0o644, 0o640),
        (0o077, 0o644, 0o600),
        (0o022, 0o600, 0o600),  # the picture is its owner's alone
        (0o022, 0o640, 0o640),
        (0o022, 0o604, 0o604),
        (0o022, 0o400, 0o600),
        (0o002, 0o600, 0o660),  # a umask that shares with the group
        (0o002, 0o640, 0o660),
        (0o000, 0o600, 0o666),  # and one that shares with all
        (0o022, 0o777, 0o644),
    ],
)
def test_umask_and_picture_bound_the_text(tmp_path: Path, mask: int, like: int, text: int) -> None:
    with masked(mask):
        assert made(tmp_path, like) == text


@pytest.mark.skipif(os.geteuid() != 0, reason="another group takes root")
@pytest.mark.parametrize("like, text", [(0o640, 0o600), (0o644, 0o644), (0o600, 0o600)])
def test_what_a_picture_allows_its_group_no_other_group_may_do(tmp_path: Path, like: int, text: int) -> None:
    with masked(0o022):
        assert made(tmp_path, like, NOBODY) == text


def test_a_setgid_folder_shares_with_its_group_and_with_nobody_else(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o2775)

    with masked(0o022):
        assert made(tmp_path, 0o600) == 0o640


def test_what_is_made_in_a_setgid_folder_belongs_to_its_group(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("another group takes root")
    os.chown(tmp_path, -1, NOBODY)
    os.chmod(tmp_path, 0o2775)

    places.make(os.fsencode(tmp_path), b"sub/deep", [0o755, 0o700])

    found = os.stat(tmp_path / "sub" / "deep")
    assert (found.st_gid, bool(found.st_mode & stat.S_ISGID)) == (NOBODY, True)


def test_a_default_acl_alone_decides(tmp_path: Path) -> None:
    acl("setfacl", "-d", "-m", "u:nobody:r,g::-,o::-", tmp_path)

    with masked(0o077):
        places.make(os.fsencode(tmp_path), b"sub")
        with (
            places.opened(os.fsencode(tmp_path), b"sub") as there,
            regular.created(b"text", there, rights.for_new(there, picture(tmp_path, 0o600))),
        ):
            pass

    told = acl("getfacl", "-cp", tmp_path / "sub" / "text")
    assert "user:nobody:r--" in told and "effective:---" not in told and "other::---" in told


# -- what an original brings along to another volume


@pytest.fixture
def pair(tmp_path: Path) -> tuple[bytes, bytes]:
    source = tmp_path / "source"
    source.write_bytes(b"picture")
    source.chmod(0o640)
    return os.fsencode(source), os.fsencode(tmp_path / "target")


def copy(source: bytes, target: bytes) -> os.stat_result:
    with regular.opened(source) as data, places.opened(os.path.dirname(target)) as folder:
        durable.copy(data, os.path.basename(target), folder)
    return os.stat(target)


def test_times_rights_owner_and_attributes_come_along(pair: tuple[bytes, bytes]) -> None:
    source, target = pair
    try:
        os.setxattr(source, "user.tag", b"red")
        os.setxattr(source, "user.empty", b"")
    except OSError:
        pytest.skip("no attributes here")
    if os.geteuid() == 0:
        os.chown(source, NOBODY, NOBODY)
        os.chmod(source, 0o4755)
    os.utime(source, ns=(10**18 + 1, 10**18 + 123_456_789))

    found = copy(source, target)

    wanted = os.stat(source)
    assert (found.st_mode, found.st_uid, found.st_gid) == (wanted.st_mode, wanted.st_uid, wanted.st_gid)
    assert (found.st_mtime_ns, found.st_size) == (10**18 + 123_456_789, 7)
    assert {name: os.getxattr(target, name) for name in os.listxattr(target)} == {"user.tag": b"red", "user.empty": b""}


def test_an_acl_comes_along(pair: tuple[bytes, bytes]) -> None:
    acl("setfacl", "-m", "u:nobody:rw,m::r", os.fsdecode(pair[0]))

    copy(*pair)

    told = [acl("getfacl", "-cp", os.fsdecode(path)) for path in pair]
    assert told[0] == told[1] and "user:nobody:rw-" in told[0]
