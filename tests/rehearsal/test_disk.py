"""Promises about a Mac's disks and events: other volumes, no case, links, streams that do not start."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.machine import Mac
from support.harness import wait_for


@pytest.mark.parametrize("holds_metadata", [True, False])
def test_an_original_goes_to_another_disk_with_all_that_it_can_hold(mac: Mac, holds_metadata: bool) -> None:
    if not holds_metadata:
        mac.knob("no-metadata", 1)
    volume = mac.root / "Volumes/Disk"
    volume.mkdir(parents=True)
    mac.variables["FAKE_MAC_VOLUME"] = str(volume)
    mac.settings(folders={"archive": str(volume / "archive")})
    mac.install()
    before = mac.calls("fcntl F_FULLFSYNC")
    source = mac.drop("far.png")
    content, mtime = source.read_bytes(), source.stat().st_mtime_ns

    target = volume / "archive/far.png"
    wait_for(lambda: target.exists() and not source.exists(), "it lies on the other disk", 60)

    assert (target.read_bytes(), target.stat().st_mtime_ns) == (content, mtime)
    assert mac.calls("fcopyfile 0xf") == 1
    assert mac.calls("fcntl F_FULLFSYNC") >= before + 3  # the copy, the folder there, the folder here
    assert list((volume / "archive").iterdir()) == [target]


def test_a_move_on_one_disk_is_flushed_through_the_drive_and_never_replaces(mac: Mac) -> None:
    mac.install()
    before = mac.calls("fcntl F_FULLFSYNC")
    for name in ("same.png", "same.png"):
        mac.drop(name)
        wait_for(lambda: not (mac.inbox / "same.png").exists(), "it is put away", 60)

    assert sorted(path.name for path in (mac.home / "Dropscribe/archive").iterdir()) == ["same (2).png", "same.png"]
    assert mac.calls("renameatx_np") >= 2 and mac.calls("fcntl F_FULLFSYNC") > before
    assert mac.calls("fcopyfile") == 0


def test_an_inbox_written_in_another_case_than_the_disks_is_heard_at_once(make: Callable[..., Mac]) -> None:
    mac = make("libcase")
    mac.variables["FAKE_MAC_CASELESS"] = str(mac.home)
    (mac.home / "Dropscribe/inbox").mkdir(parents=True)
    mac.settings(folders={"inbox": "~/dropscribe/INBOX"}, intake={"rescan_interval": "1h"})
    mac.install()
    mac.wait(lambda s: s["daemon"]["watch"].startswith("native"), "it watches")

    mac.drop("heard.png", folder=mac.home / "Dropscribe/inbox")

    assert mac.text_of("heard.txt").strip()
    assert "arrived" in mac.run("doctor").stdout


def test_folders_that_differ_by_nothing_but_case_are_one_folder(make: Callable[..., Mac]) -> None:
    mac = make("libcase")
    mac.variables["FAKE_MAC_CASELESS"] = str(mac.home)
    for there in (False, True):
        if there:
            (mac.home / "Pictures").mkdir()
        mac.settings(folders={"inbox": "~/Pictures", "outbox": "~/pictures"})

        done = mac.run("check")

        assert done.returncode == 2 and "is the same as folders." in done.stderr, done.stderr


def test_a_home_behind_a_link_is_watched_as_any_other(make: Callable[..., Mac], root: Path) -> None:
    (root / "private/var").mkdir(parents=True)
    (root / "var").symlink_to("private/var")
    mac = make(home=root / "var/u")
    mac.settings(intake={"rescan_interval": "1h"})
    mac.install()

    mac.drop("linked.png")

    assert mac.text_of("linked.txt").strip()


def test_a_stream_of_events_that_does_not_start_means_looking_again_and_again(mac: Mac) -> None:
    mac.knob("no-fsevents", 1)
    mac.install()
    mac.drop("polled.png")

    assert mac.text_of("polled.txt").strip()
    assert mac.status()["daemon"]["watch"].startswith("poll")
    assert mac.job()["runs"] == 1
    assert "Cannot start fsevents stream" in mac.run("doctor").stdout


def test_without_watchdogs_own_extension_what_is_dropped_is_read_all_the_same(mac: Mac) -> None:
    mac.variables["FAKE_MAC_NO_EXTENSION"] = "1"
    mac.install()
    mac.drop("slow.png")

    assert mac.text_of("slow.txt").strip()


def test_without_a_kqueue_the_loop_waits_by_other_means(mac: Mac) -> None:
    mac.variables["FAKE_MAC_NO_KQUEUE"] = "1"
    mac.install()
    mac.drop("polled.png")

    assert mac.text_of("polled.txt").strip()
