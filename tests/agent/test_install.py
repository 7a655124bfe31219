"""The install flow as a whole: a real daemon, started and ended by a launchd and a systemd in small."""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dropscribe import config
from dropscribe.agent import plan
from dropscribe.agent.access import Folder
from dropscribe.agent.install import install
from dropscribe.agent.launchctl import Launchd
from dropscribe.agent.supervisor import Supervisor
from dropscribe.agent.systemctl import Systemd
from dropscribe.agent.timeouts import Timeouts
from dropscribe.config import Settings
from dropscribe.control import client
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.core.protocol import StatusAnswer, StatusRequest
from support.agent_tools import LIVING, Tool
from support.harness import REAL_DAEMON, Daemon, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small launchd and systemd look into /proc")
SOON = Timeouts(gone=20, bootstrap=20, answer=30, step=0.02)


def alive(pid: int) -> bool:
    """Say whether a process runs; one that its parent has not reaped does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


class Machine:
    """A home with a settings file, a keeper that works, and what it said."""

    def __init__(self, root: Path, kind: str) -> None:
        self.daemon = Daemon(root, REAL_DAEMON)
        self.supervisor: Supervisor = Launchd(501, str(root)) if kind == "launchd" else Systemd(str(root / "xdg"))
        self.tool = Tool(root / "bin", "launchctl" if kind == "launchd" else "systemctl", LIVING)
        self.said: list[str] = []

    @property
    def settings(self) -> Settings:
        return config.load(str(self.daemon.config))

    def install(self, platform: str = "linux", home: str = "/nowhere", timeouts: Timeouts = SOON) -> bool:
        made = plan.make(self.settings, str(self.daemon.config), os.environ, sys.executable)
        return install(
            self.supervisor, made, self.settings, self.said.append, home=home, platform=platform, timeouts=timeouts
        )

    def pid(self) -> int:
        status = client.ask(str(self.daemon.state), StatusRequest(), StatusAnswer).status
        assert status is not None and status.daemon.pid is not None
        return status.daemon.pid


@pytest.fixture(params=["launchd", "systemd"])
def machine(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    made = Machine(tmp_path, request.param)
    yield made
    made.supervisor.remove(SOON)


def test_install_again_and_uninstall_from_beginning_to_end(machine: Machine) -> None:
    assert machine.install()

    first = machine.pid()
    daemon = machine.daemon.status()["daemon"]
    assert daemon["agent"] is True and daemon["config"] == str(machine.daemon.config)
    assert psutil.Process(first).cmdline()[0] == sys.executable
    assert machine.supervisor.report().pid == first
    assert machine.install(), "again is an upgrade in place"
    assert machine.pid() != first and not alive(first)

    last = machine.pid()
    assert machine.supervisor.remove(SOON)

    wait_for(lambda: not alive(last), "the agent ends")
    assert not os.path.exists(machine.supervisor.path)
    kept = ("inbox", "outbox", "archive", "failed", "state/journal.db", "config.yaml")
    assert all((machine.daemon.root / name).exists() for name in kept)
    assert not machine.supervisor.remove(SOON)


def test_a_daemon_that_was_started_by_hand_is_not_fought(machine: Machine) -> None:
    with machine.daemon.start(), pytest.raises(DropscribeError, match=rf"is already running \(pid {machine.pid()}\)"):
        machine.install()

    assert not os.path.exists(machine.supervisor.path), "nothing half done"


def test_faulty_settings_stop_it_before_anything_is_written(machine: Machine) -> None:
    machine.daemon.settings["model"] = {"idle_timeout": "soon"}
    machine.daemon.save()

    done = machine.daemon.run("install")

    assert done.returncode == 2 and "idle_timeout" in done.stderr
    assert not machine.tool.calls and not os.path.exists(machine.supervisor.path)


def test_print_shows_the_file_and_does_nothing(machine: Machine) -> None:
    kind = machine.supervisor.name.split()[0]
    machine.daemon.settings["folders"]["archive"] = str(machine.daemon.root / "later")
    machine.daemon.save()

    done = machine.daemon.run("install", "--print", "--for", kind)

    assert done.returncode == 0 and str(machine.daemon.config) in done.stdout and not done.stderr
    assert not machine.tool.calls and not os.path.exists(machine.supervisor.path)
    assert not (machine.daemon.root / "later").exists()


def test_an_agent_that_does_not_come_up_is_told_with_what_the_system_says(machine: Machine) -> None:
    failed = "x = {\n\tstate = spawn scheduled\n\tlast exit code = 78: EX_CONFIG\n}"
    shown = "LoadState=loaded\nMainPID=0\nResult=exit-code\nExecMainCode=1\nExecMainStatus=203"
    answers = {"bootout": [(3, "")], "print": [(0, failed)], "show": [(0, shown)]}
    Tool(machine.tool.path.parent, machine.tool.path.name, **answers)

    with pytest.raises(DropscribeError, match=r"does not respond .*exit code (78|203)"):
        machine.install(timeouts=Timeouts(gone=1, bootstrap=0.1, answer=0.1, step=0.01))


def test_folders_in_places_that_agents_may_not_read_are_warned_about(machine: Machine) -> None:
    home = str(machine.daemon.root)
    machine.daemon.settings["folders"]["inbox"] = f"{home}/Desktop/inbox"
    machine.daemon.save()

    assert machine.install("darwin", home)

    assert any("your Desktop folder" in line and "try:" in line for line in machine.said)


def test_state_in_such_a_place_is_refused(machine: Machine) -> None:
    home = str(machine.daemon.root)
    machine.daemon.settings["folders"]["state"] = f"{home}/Library/Mobile Documents/state"
    machine.daemon.settings["log"]["folder"] = f"{home}/documents/log"
    machine.daemon.save()

    with pytest.raises(ConfigError) as told:
        machine.install("darwin", home)

    assert ["iCloud Drive" in f.what or "your Documents folder" in f.what for f in told.value.faults] == [True, True]
    assert not machine.tool.calls and not os.path.exists(machine.supervisor.path)


def test_a_throwaway_environment_is_refused(machine: Machine) -> None:
    made = plan.make(machine.settings, None, {}, "/home/me/.cache/uv/archive-v0/x/bin/python")

    assert ["temporary environment" in fault.what for fault in plan.faults(made, "/home/me", "linux")] == [True]


@pytest.mark.parametrize(
    ("number", "platform", "what", "remedy"),
    [
        (errno.EPERM, "darwin", "protected location", "Full Disk Access"),
        (errno.EPERM, "linux", "cannot read", "logs"),
        (errno.EACCES, "darwin", "EACCES", "chmod"),
        (errno.ENOENT, "darwin", "ENOENT", "make it available again"),
        (errno.EIO, "linux", "cannot read", "logs"),
    ],
)
def test_protection_rights_and_absence_are_told_apart(number: int, platform: str, what: str, remedy: str) -> None:
    folder = Folder("inbox", "/in", f"{os.strerror(number)} ({number})", platform)

    assert folder.fault is not None and what in folder.fault
    assert remedy in folder.remedy("/opt/python3.12")
    assert Folder("inbox", "/in", "ok").fault is None


def test_an_installed_agent_that_may_not_read_its_inbox_is_no_success(machine: Machine) -> None:
    machine.daemon.inbox.chmod(0)
    if os.access(machine.daemon.inbox, os.R_OK):
        pytest.skip("this user may read everything")

    assert not machine.install()

    assert any("EACCES" in line for line in machine.said)
    machine.daemon.inbox.chmod(0o700)


def test_a_killed_agent_is_started_anew_by_the_next_install(machine: Machine) -> None:
    assert machine.install()
    os.kill(machine.pid(), signal.SIGKILL)
    wait_for(lambda: machine.supervisor.report().pid is None, "the keeper knows")

    assert machine.install()
