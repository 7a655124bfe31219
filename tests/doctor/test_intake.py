"""The doctor says whose files are not taken, who still writes, and where nobody can be asked."""

import os
import sys
from pathlib import Path

import pytest

from dropscribe.config import Intake
from dropscribe.doctor import intake
from dropscribe.doctor.values import Check, State

PNG = b"\x89PNG\r\n\x1a\n and more"


def checks(inbox: Path, settings: Intake | None = None) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in intake.all_of(str(inbox), settings or Intake()):
        found.setdefault(check.name, []).append(check)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_private_local_inbox_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(PNG)

    assert {check.state for found in checks(tmp_path).values() for check in found} == {State.OK}
    assert os.listdir(tmp_path) == ["scan.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_writer_and_a_download_are_named(tmp_path: Path) -> None:
    (tmp_path / "b.png.aria2").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(PNG)
    with open(tmp_path / "a.png", "wb"):
        (_, found) = checks(tmp_path)["writers"]
    assert found.state is State.WARNING and "a.png" in found.detail and "b.png" in found.detail


def test_a_hard_link_in_a_shared_inbox_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "private.png").write_bytes(PNG)
    os.link(tmp_path / "private.png", tmp_path / "inbox" / "scan.png")
    assert checks(tmp_path / "inbox")["strangers"][0].state is State.OK
    (tmp_path / "inbox").chmod(0o777)

    (found,) = checks(tmp_path / "inbox")["strangers"]
    assert found.state is State.WARNING and "scan.png" in found.detail and "intake.trusted_owners" in found.remedy
    (found,) = checks(tmp_path / "inbox", Intake(trusted_owners="any"))["strangers"]
    assert found.state is State.OK and "others can write" in found.detail


def test_what_is_never_taken_is_named(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (found,) = checks(tmp_path)["left alone"]

    assert found.state is State.WARNING
    assert "link.png (a link)" in found.detail and "pipe (a pipe)" in found.detail


def test_an_unknown_owner_is_told(tmp_path: Path) -> None:
    (found,) = checks(tmp_path, Intake(trusted_owners=("root", "no such user", "77")))["trusted owners"]

    assert found.state is State.WARNING and found.detail.endswith(": no such user")


def test_where_nobody_can_be_asked_stable_for_decides() -> None:
    found = intake.asked("/share/inbox", False, 2.0)

    assert found.state is State.WARNING and "2 s" in found.detail and "stable_for" in found.remedy


def test_a_missing_inbox_is_no_fault_of_the_intake(tmp_path: Path) -> None:
    assert [check.state for check in checks(tmp_path / "none")["intake"]] == [State.SKIPPED]
