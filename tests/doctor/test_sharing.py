"""`doctor` names the folders that others can write to, who they are, and what that means."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dropscribe import config
from dropscribe.doctor import sharing
from dropscribe.doctor.values import State

NOBODY = 65534


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("inbox", "outbox", "archive", "failed", "state", "log"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name).chmod(0o700)
    return tmp_path


def states(root: Path) -> dict[str, State]:
    names = ("inbox", "outbox", "archive", "failed", "state")
    values = {"folders": {name: str(root / name) for name in names}, "log": {"folder": str(root / "log")}}
    return {check.name: check.state for check in sharing.all_of(config.checked(values, "test"))}


def test_folders_of_ones_own_are_fine(root: Path) -> None:
    assert set(states(root).values()) == {State.OK} and len(states(root)) == 6


@pytest.mark.parametrize("name", sharing.MEANING)
def test_a_folder_that_all_can_write_is_named_with_what_that_means(root: Path, name: str) -> None:
    (root / name).chmod(0o777)

    check = sharing.judged(name, str(root / name))

    assert check.state is State.WARNING and str(root / name) in check.detail
    assert "every user of this machine" in check.detail and sharing.MEANING[name] in check.detail


@pytest.mark.parametrize("name", sharing.PRIVATE)
def test_what_decides_over_files_must_be_private(root: Path, name: str) -> None:
    (root / name).chmod(0o777)

    assert states(root)[f"sharing {name}"] is State.FAULT


def test_whoever_can_put_another_folder_in_its_place_is_named(root: Path) -> None:
    for mode, found in ((0o1777, []), (0o777, [f"every user of this machine (through {root})"])):
        root.chmod(mode)
        assert [who for who in sharing.writers(str(root / "outbox")) if "every user" in who] == found
    root.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="a second user takes root")
def test_another_owner_and_another_group_are_named(root: Path) -> None:
    os.chown(root / "inbox", NOBODY, NOBODY)
    (root / "inbox").chmod(0o770)

    told = " ".join(sharing.writers(str(root / "inbox")))

    assert "its owner, nobody" in told and "the group nogroup" in told


@pytest.mark.parametrize("kind, told", [((), "those of its ACL"), (("-d",), "those of its default ACL")])
def test_an_acl_that_lets_others_write_is_named(root: Path, kind: tuple[str, ...], told: str) -> None:
    if shutil.which("setfacl") is None:
        pytest.skip("setfacl is not here")
    done = subprocess.run(["setfacl", *kind, "-m", "u:nobody:rwx", root / "inbox"], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no ACLs here: {done.stderr.decode()}")

    assert told in sharing.writers(str(root / "inbox"))


def test_a_missing_folder_is_nobodys(root: Path) -> None:
    (root / "outbox").rmdir()

    assert "sharing outbox" not in states(root)
