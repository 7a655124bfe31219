"""From a folder that others can write to only what must be its owner's is taken."""

import os
import pwd
from pathlib import Path

import pytest

from dropscribe.intake import scan
from dropscribe.intake.scan import Obstacle, Rules
from dropscribe.intake.trust import Trust, user_id

PNG = b"\x89PNG\r\n\x1a\n and more"
STRANGER = 54321  # a user id that nobody has
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox" / "sub").mkdir(parents=True)
    return tmp_path / "inbox"


def obstacle(inbox: Path, path: str, *trusted: str) -> Obstacle | None:
    rules = Rules(Trust.of("any" if trusted == ("any",) else trusted))
    (found,) = scan.at(os.fsencode(inbox), [path.encode()], probe=True, rules=rules)
    assert found.signature is not None
    return found.obstacle


def hard_link(inbox: Path, path: str) -> None:
    private = inbox.parent / "private.png"
    private.write_bytes(PNG)
    os.link(private, inbox / path)


def test_hard_links_are_taken_from_a_private_inbox(inbox: Path) -> None:
    hard_link(inbox, "sub/a.png")

    assert obstacle(inbox, "sub/a.png") is None


@pytest.mark.parametrize("shared", [".", "sub"])
@pytest.mark.parametrize("mode", [0o1777, 0o757])
def test_hard_links_wait_in_a_folder_that_others_write_or_below_one(inbox: Path, shared: str, mode: int) -> None:
    hard_link(inbox, "sub/a.png")
    (inbox / shared).chmod(mode)

    assert obstacle(inbox, "sub/a.png") is Obstacle.UNTRUSTED
    assert obstacle(inbox, "sub/a.png", "root") is Obstacle.UNTRUSTED
    assert obstacle(inbox, "sub/a.png", "any") is None


def test_ones_own_files_are_taken_from_anywhere(inbox: Path) -> None:
    inbox.chmod(0o777)
    (inbox / "a.png").write_bytes(PNG)

    assert obstacle(inbox, "a.png") is None


@needs_root
def test_a_strangers_file_waits_unless_he_is_named(inbox: Path) -> None:
    (inbox / "a.png").write_bytes(PNG)
    os.chown(inbox / "a.png", STRANGER, STRANGER)
    assert obstacle(inbox, "a.png") is None  # nobody but us can have put it there
    inbox.chmod(0o777)

    assert obstacle(inbox, "a.png") is Obstacle.UNTRUSTED
    assert obstacle(inbox, "a.png", "nobody") is Obstacle.UNTRUSTED
    assert obstacle(inbox, "a.png", "nobody", str(STRANGER)) is None


@needs_root
def test_the_owner_of_the_inbox_is_whom_it_is_for(inbox: Path) -> None:
    for path in (inbox, inbox / "sub", inbox / "a.png"):
        if path.suffix:
            path.write_bytes(PNG)
        os.chown(path, STRANGER, STRANGER)

    assert obstacle(inbox, "a.png") is None
    os.link(inbox / "a.png", inbox / "sub" / "b.png")
    assert obstacle(inbox, "a.png") is Obstacle.UNTRUSTED


@needs_root
@pytest.mark.parametrize("group, private", [(STRANGER, False), (0, True)])
def test_a_group_of_ones_own_is_nobody_else(inbox: Path, group: int, private: bool) -> None:
    hard_link(inbox, "a.png")
    os.chown(inbox, 0, group)
    inbox.chmod(0o770)

    assert (obstacle(inbox, "a.png") is None) is private


@needs_root
def test_a_folder_of_somebody_else_is_one_that_others_write(inbox: Path) -> None:
    hard_link(inbox, "a.png")
    os.chown(inbox, STRANGER, 0)

    assert obstacle(inbox, "a.png") is Obstacle.UNTRUSTED


def test_names_and_numbers_of_users() -> None:
    me = pwd.getpwuid(os.geteuid())
    assert (user_id(me.pw_name), user_id("12345"), user_id("no such user")) == (me.pw_uid, 12345, None)
