"""Folders that would feed results back in, mix, or cover the program are refused before anything starts."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dropscribe.config import checked, load, restart_needed
from dropscribe.core.errors import Fault
from support.config_faults import fault, faults


def laid_out(tmp_path: Path, **folders: str) -> dict[str, Any]:
    names = {name: str(tmp_path / name) for name in ("inbox", "outbox", "archive", "failed", "state")}
    return {"folders": {**names, **{name: str(tmp_path / path) for name, path in folders.items()}}}


def test_folders_are_absolute_and_links_stay_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    folders = checked(
        {"folders": {"inbox": "~/link/in", "outbox": "~/a/../out/", "state": "~/link/state"}}, "x"
    ).folders

    assert (folders.inbox, folders.outbox) == (str(tmp_path / "link/in"), str(tmp_path / "out"))
    assert folders.state == os.path.realpath(tmp_path / "real/state")


@pytest.mark.parametrize("written", ["$SCANS/in", "${SCANS}/in", "${HOME}/scans/in", "../scans/in", "./../scans/in/"])
def test_variables_are_expanded_and_relative_folders_count_from_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCANS", f"{tmp_path}/scans")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "config.yaml").write_text(f"folders: {{inbox: {written!r}}}")
    monkeypatch.chdir("/")

    assert load(str(tmp_path / "etc" / "config.yaml")).folders.inbox == f"{tmp_path}/scans/in"
    monkeypatch.chdir(tmp_path / "etc")
    assert load("config.yaml").folders.inbox == f"{tmp_path}/scans/in"


@pytest.mark.parametrize(
    "written, named",
    [
        ("$NO_SUCH/in", "$NO_SUCH"),
        ("/a/${NO_SUCH}b", "${NO_SUCH}"),
        ("/a/${}", "${}"),
        ("~nobody-here/in", "~nobody-here"),
    ],
)
def test_unknown_variables_and_users_are_refused(written: str, named: str) -> None:
    found = fault({"folders": {"inbox": written}})

    assert found.where == "config.yaml: folders.inbox" and named in found.what


def test_a_dollar_that_names_nothing_is_part_of_the_name() -> None:
    assert checked({"folders": {"inbox": "/srv/in$", "outbox": "/srv/5 $"}}, "x").folders.inbox == "/srv/in$"


@pytest.mark.parametrize("given", ["", "  ", 5, None, True, ["x"]])
def test_a_folder_is_some_text(given: object) -> None:
    assert fault({"folders": {"inbox": given}}).where == "config.yaml: folders.inbox"


def test_an_ordinary_layout_is_accepted(tmp_path: Path) -> None:
    checked(laid_out(tmp_path), "x")
    checked(laid_out(tmp_path, outbox="inbox-out", archive="inbox.d/a"), "x")  # beside, not inside


@pytest.mark.parametrize("inner", ["outbox", "archive", "failed", "state"])
def test_nothing_may_lie_in_the_inbox(tmp_path: Path, inner: str) -> None:
    found = fault(laid_out(tmp_path, **{inner: "inbox/sub/deep"}))

    assert found == Fault(
        f"config.yaml: folders.{inner}",
        f"{tmp_path}/inbox/sub/deep is inside folders.inbox {tmp_path}/inbox; results would be read as new pictures",
        "choose a folder outside folders.inbox",
    )


@pytest.mark.parametrize("other", ["outbox", "archive", "failed", "state"])
def test_no_folder_may_be_the_inbox_itself(tmp_path: Path, other: str) -> None:
    found = fault(laid_out(tmp_path, **{other: "inbox"}))

    assert "is the same as" in found.what and {"folders.inbox", f"folders.{other}"} <= set(
        re.findall(r"folders\.\w+", found.where + " " + found.what)
    )


def test_the_inbox_may_not_lie_in_the_outbox_either(tmp_path: Path) -> None:
    assert fault(laid_out(tmp_path, inbox="outbox/in")).where == "config.yaml: folders.inbox"


def test_a_link_does_not_hide_an_overlap(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "alias").symlink_to("inbox")

    assert "inside" in fault(laid_out(tmp_path, outbox="alias/out")).what


@pytest.mark.parametrize("name", ["outbox", "archive"])
def test_one_folder_under_two_names_is_refused_by_what_it_is(tmp_path: Path, name: str) -> None:
    """A bind mount, or a disk that minds no case: paths that no link joins, with one device and inode."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / name).mkdir()
    if subprocess.run(["mount", "--bind", tmp_path / "inbox", tmp_path / name], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no folder can be mounted a second time here")
    try:
        assert "is the same as" in fault(laid_out(tmp_path)).what
        assert "is inside" in fault(laid_out(tmp_path, **{name: f"{name}/deeper/still"})).what
    finally:
        subprocess.run(["umount", tmp_path / name], check=True)


def test_all_overlaps_are_told(tmp_path: Path) -> None:
    found = faults(laid_out(tmp_path, outbox="inbox/out", failed="inbox/failed", state="archive"))

    assert len(found) == 3


def test_a_folder_may_not_hold_the_program_itself(tmp_path: Path) -> None:
    import dropscribe

    code = os.path.dirname(os.path.dirname(os.path.realpath(dropscribe.__file__)))
    found = faults({"folders": {**laid_out(tmp_path)["folders"], "inbox": code}})

    assert any("holds Dropscribe's own program" in f.what for f in found)


def test_the_root_of_the_disk_is_no_inbox(tmp_path: Path) -> None:
    assert len(faults({"folders": {**laid_out(tmp_path)["folders"], "inbox": "/"}})) >= 4


def test_the_log_may_not_lie_in_the_inbox(tmp_path: Path) -> None:
    assert (
        fault({**laid_out(tmp_path), "log": {"folder": str(tmp_path / "inbox" / "logs")}}).where
        == "config.yaml: log.folder"
    )


# -- changes while it runs


def test_only_places_and_the_form_of_the_log_need_a_restart(tmp_path: Path) -> None:
    old = checked(laid_out(tmp_path), "x")

    def after(values: dict[str, Any]) -> list[str]:
        return restart_needed(old, checked({**laid_out(tmp_path), **values}, "x"))

    assert after({}) == []
    assert after({"intake": {"stable_for": 9}, "log": {"level": "debug"}, "output": {"formats": ["md"]}}) == []
    assert after(laid_out(tmp_path, outbox="elsewhere")) == ["folders"]
    assert after({"log": {"folder": str(tmp_path / "l"), "format": "json"}}) == ["log.folder", "log.format"]
