"""Promises of the agent: it comes up, comes back, is replaced and goes, with launchd as slow and as strict as it is."""

import os
import signal
import subprocess
import sys

from rehearsal.machine import LABEL, Mac
from support.harness import wait_for


def launchctl(mac: Mac, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the user's own launchctl."""
    command = [str(mac.folder / "bin/launchctl"), *words]
    return subprocess.run(command, env=mac.environment(), capture_output=True, text=True, check=False)


def test_a_killed_daemon_is_started_again_and_its_worker_ends_by_itself(mac: Mac) -> None:
    mac.install()
    mac.drop("warm.png")
    mac.text_of("warm.txt")
    first = mac.wait(lambda s: s["model"]["pid"], "the model is loaded")
    daemon, worker = first["daemon"]["pid"], first["model"]["pid"]

    os.kill(daemon, signal.SIGKILL)

    wait_for(lambda: not mac.alive(worker), "the worker ends without its daemon")
    mac.wait(lambda s: s["daemon"]["pid"] != daemon, "launchd starts it again")
    mac.drop("again.png")
    assert mac.text_of("again.txt").strip()
    assert mac.job()["runs"] == 2
    assert "started 2 times" in mac.run("doctor").stdout


def test_installing_over_a_running_agent_waits_for_the_old_one_to_be_gone(mac: Mac) -> None:
    mac.install()
    old = mac.status()["daemon"]["pid"]

    mac.install()

    assert mac.status()["daemon"]["pid"] != old
    verbs = [line.split()[0] for line in mac.lines("launchctl.log")]
    begun = len(verbs) - 1 - verbs[::-1].index("bootout")
    assert "print" in verbs[begun : verbs.index("bootstrap", begun)]
    assert mac.plist.stat().st_mode & 0o777 == 0o644


def test_an_agent_that_was_switched_off_is_switched_on_by_an_installation(mac: Mac) -> None:
    launchctl(mac, "disable", f"gui/{os.getuid()}/{LABEL}")

    mac.install()

    assert mac.status()["daemon"]["agent"]


def test_one_that_is_switched_off_later_is_told_as_such(mac: Mac) -> None:
    mac.install()
    launchctl(mac, "bootout", f"gui/{os.getuid()}/{LABEL}")
    launchctl(mac, "disable", f"gui/{os.getuid()}/{LABEL}")
    wait_for(lambda: not mac.job(), "it is gone")

    said = mac.run("doctor").stdout

    assert "disabled" in said and "Login Items" in said


def test_without_a_session_at_the_screen_or_switched_off_in_login_items_both_are_named(mac: Mac) -> None:
    mac.knob("no-session", 1)

    done = mac.run("install")

    assert done.returncode == 1
    assert "125" in done.stderr and "Login Items" in done.stderr and "log in at the Mac" in done.stderr


def test_an_agent_with_faulty_settings_stays_up_and_begins_when_they_are_mended(mac: Mac) -> None:
    mac.install()
    mac.settings(intake={"stable_for": "never ever"})
    os.kill(mac.status()["daemon"]["pid"], signal.SIGKILL)
    mac.wait(lambda s: s["daemon"]["config_error"], "the new one waits for its settings")
    runs = mac.job()["runs"]

    mac.settings()

    mac.wait(lambda s: s["daemon"]["engine"] == "rapidocr", "it begins")
    assert mac.job()["runs"] == runs


def test_a_folder_that_macos_closes_to_agents_is_named_with_the_program_that_wants_the_grant(mac: Mac) -> None:
    closed = mac.home / "Documents"
    mac.variables["FAKE_MAC_CLOSED"] = str(closed)
    mac.settings(folders={"inbox": str(closed / "inbox")})

    done = mac.run("install")
    told = mac.run("doctor").stdout
    mac.variables["FAKE_MAC_AGENT"] = "1"  # as over ssh, where a terminal is refused too
    refused = mac.run("doctor").stdout

    assert done.returncode == 1 and "denies the agent access" in done.stderr, done.stdout + done.stderr
    assert "warning: folders.inbox" in done.stderr
    assert "Full Disk Access" in told and os.path.realpath(sys.executable) in told
    assert "macOS protects this location" in refused
    assert mac.job()["runs"] == 1


def test_uninstalling_ends_the_agent_and_leaves_the_files(mac: Mac) -> None:
    mac.install()
    pid = mac.status()["daemon"]["pid"]

    done = mac.run("uninstall")

    assert done.returncode == 0, done.stderr
    assert not mac.plist.exists() and not mac.alive(pid) and not mac.job()
    assert mac.inbox.is_dir()
    assert mac.run("uninstall").returncode == 0
