"""The checks on folders, events, cloud files, daemon, agent and leftovers: each one good, doubtful and broken."""

import errno
import os
import plistlib
import sys
from pathlib import Path
from typing import Any

import pytest

from dropscribe import config
from dropscribe.agent import launchd, plan
from dropscribe.agent.access import Folder
from dropscribe.agent.launchctl import Launchd
from dropscribe.agent.places import closed_to_agents, program_of
from dropscribe.agent.report import Report
from dropscribe.agent.systemctl import Systemd
from dropscribe.config import Settings
from dropscribe.control.lock import StateLock
from dropscribe.core.status import DaemonStatus, ModelStatus, Status
from dropscribe.doctor import agents, cloud, events, folders, processes
from dropscribe.doctor.processes import Running
from dropscribe.doctor.values import State
from dropscribe.files.naming import hidden_name
from dropscribe.intake import ignore
from dropscribe.memory.processes import Leftover


def settings(root: Path, **sections: dict[str, Any]) -> Settings:
    names = ("inbox", "outbox", "archive", "failed", "state")
    values = {"folders": {name: str(root / name) for name in names}, "log": {"folder": str(root / "log")}}
    return config.checked(values | sections, "test")


def test_a_folder_is_tried_for_real_and_left_as_it_was(tmp_path: Path) -> None:
    check = folders.tried("folder inbox", str(tmp_path))

    assert check.state is State.OK, check.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mode", "step"), [(0o000, "list"), (0o500, "write in")])
def test_a_folder_without_rights_is_a_fault_that_names_the_step(tmp_path: Path, mode: int, step: str) -> None:
    tmp_path.chmod(mode)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may do everything")
    check = folders.tried("folder inbox", str(tmp_path))
    tmp_path.chmod(0o700)

    assert check.state is State.FAULT and step in check.detail and "chmod" in check.remedy


def test_a_folder_that_is_a_file_or_takes_no_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "inbox").touch()

    assert folders.tried("folder inbox", str(tmp_path / "inbox")).state is State.FAULT
    if sys.platform == "linux":
        assert "cannot write in" in folders.tried("folder inbox", "/proc").detail


@pytest.mark.parametrize(
    ("number", "platform", "words"),
    [
        (errno.EPERM, "darwin", "Full Disk Access"),
        (errno.EACCES, "darwin", "chmod"),
        (errno.EROFS, "linux", "read-only"),
        (errno.ENOSPC, "linux", "free some space"),
        (errno.EIO, "linux", "another folder"),
    ],
)
def test_each_refusal_of_the_system_has_its_own_remedy(number: int, platform: str, words: str) -> None:
    error = OSError(number, os.strerror(number))

    assert words in folders.refusal("folder inbox", "/in", "write in", error, platform).remedy


def test_a_missing_folder_is_a_fault_only_for_a_running_daemon(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b")

    assert folders.missing("folder inbox", path, daemon_runs=False).state is State.SKIPPED
    assert folders.missing("folder inbox", path, daemon_runs=True).state is State.FAULT
    assert {c.state for c in folders.all_of(settings(tmp_path), False)} == {State.SKIPPED}


def test_events_arrive_or_are_replaced_by_looking(tmp_path: Path) -> None:
    (native,) = events.seen(str(tmp_path), "native")
    (poll,) = events.seen(str(tmp_path), "poll")
    (absent,) = events.seen(str(tmp_path / "none"), "auto")

    assert (native.state, poll.state, absent.state) == (State.OK, State.OK, State.SKIPPED), native.detail
    assert list(tmp_path.iterdir()) == []


def test_events_that_do_not_arrive_are_a_fault(tmp_path: Path) -> None:
    (check,) = events.seen(str(tmp_path), "native", seconds=0.0)

    assert check.state is State.FAULT and "intake.watch" in check.remedy
    assert events.polling("auto", "a network drive").state is State.WARNING


def test_the_canary_is_never_taken_for_a_file_to_read() -> None:
    assert ignore.ignored(hidden_name(), ())


def test_files_that_lie_in_a_cloud_only_are_counted(tmp_path: Path) -> None:
    for name in ("here.png", "sub/far.png", "sub/far2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    (good,) = cloud.evicted(str(tmp_path))
    (doubtful,) = cloud.evicted(str(tmp_path), lambda entry: cloud.DATALESS if "far" in entry.name else 0)
    (absent,) = cloud.evicted(str(tmp_path / "none"))

    assert (good.state, doubtful.state, absent.state) == (State.OK, State.WARNING, State.SKIPPED)
    assert "2 files" in doubtful.detail and "far.png" in doubtful.detail


def told(**changed: Any) -> Running:
    daemon: dict[str, Any] = {"agent": True, "version": "1", "restart_needed": [], "inbox_online": True}
    return Running(77, Status(daemon=DaemonStatus(**daemon | changed), model=ModelStatus(pid=88)), lock_held=True)


@pytest.mark.parametrize(
    ("running", "state"),
    [
        (Running(None, None), State.SKIPPED),
        (Running(77, None, lock_held=True), State.FAULT),
        (told(), State.OK),
        (told(version="0.9"), State.WARNING),
        (told(config_error="model: wrong"), State.WARNING),
        (told(restart_needed=["folders.inbox"]), State.WARNING),
        (told(inbox_online=False), State.FAULT),
    ],
)
def test_the_daemon(running: Running, state: State) -> None:
    assert [c.state for c in processes.daemon_state(running, "1")] == [state]


def test_who_holds_the_state_folder_is_asked(tmp_path: Path) -> None:
    assert processes.running(str(tmp_path)) == Running(None, None)
    lock = StateLock(str(tmp_path))

    assert processes.running(str(tmp_path)) == Running(os.getpid(), None, lock_held=True)
    lock.close()


@pytest.mark.parametrize(
    ("worker", "parent", "state"),
    [
        (Leftover(88, 77, 10**9, 0.0), ["python", "-m", "dropscribe", "run"], State.OK),
        (Leftover(99, 55, 10**9, 0.0), ["python", "-m", "dropscribe", "run"], State.OK),
        (Leftover(99, 1, 10**9, 0.0), ["/sbin/launchd"], State.FAULT),
        (Leftover(99, 500, None, 0.0), ["/usr/lib/systemd/systemd", "--user"], State.FAULT),
        (Leftover(99, 500, None, 0.0), [], State.FAULT),
        (Leftover(99, 77, 10**9, 0.0), ["python", "-m", "dropscribe", "run"], State.FAULT),
    ],
)
def test_a_worker_without_a_daemon_or_one_too_many_is_a_fault(
    worker: Leftover, parent: list[str], state: State
) -> None:
    (check,) = processes.leftover_workers(told(), [worker], lambda pid: parent)

    assert check.state is state and (state is State.OK or f"kill {worker.pid}" in check.remedy)


class Supervisor(Launchd):
    """A launchd that says what the test wants."""

    said = Report(loaded=True, pid=5)

    def report(self) -> Report:
        return self.said


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (Report(True, pid=5, runs=1), State.OK),
        (Report(True, pid=5, runs=9, last_end="exit code 1"), State.WARNING),
        (Report(True, last_end="exit code 78"), State.FAULT),
        (Report(False, disabled=True), State.FAULT),
        (Report(False), State.FAULT),
    ],
)
def test_the_agent(tmp_path: Path, report: Report, state: State) -> None:
    supervisor = Supervisor(501, str(tmp_path))
    assert [c.state for c in agents.installed(supervisor)] == [State.SKIPPED], "none is installed"
    os.makedirs(os.path.dirname(supervisor.path))
    Path(supervisor.path).touch()
    supervisor.said = report

    (check,) = agents.installed(supervisor)

    assert check.state is state and bool(check.remedy) is (state is not State.OK)


@pytest.mark.parametrize("kind", ["launchd", "systemd"])
def test_the_agents_file_is_what_install_would_write_now(tmp_path: Path, kind: str) -> None:
    supervisor = Launchd(501, str(tmp_path)) if kind == "launchd" else Systemd(str(tmp_path))
    os.makedirs(os.path.dirname(supervisor.path))

    def judged(python: str, grace: str) -> State:
        made = plan.make(settings(tmp_path), None, {}, python)
        Path(supervisor.path).write_bytes(supervisor.render(made))
        now = settings(tmp_path, model={"shutdown_grace": grace})
        return agents.current(supervisor, launchd.read(supervisor.path), now).state

    assert judged(sys.executable, "20s") is State.OK
    assert judged(sys.executable, "5m") is State.WARNING, "the system would cut the page in hand short"
    assert judged("/bin/sh", "20s") is State.WARNING, "another environment"
    assert judged(str(tmp_path / "gone" / "python"), "20s") is State.FAULT


def test_a_dangling_link_of_the_environment_is_a_fault(tmp_path: Path) -> None:
    supervisor = Launchd(501, str(tmp_path))
    link = tmp_path / "python"
    link.symlink_to(tmp_path / "Cellar" / "gone")

    values = plistlib.loads(supervisor.render(plan.make(settings(tmp_path), None, {}, str(link))))

    assert agents.current(supervisor, values, settings(tmp_path)).state is State.FAULT


def test_only_the_agent_itself_tells_what_it_may_read() -> None:
    good = [Folder(name, f"/{name}", "ok") for name in ("inbox", "outbox")]
    closed = [Folder("inbox", "/Users/me/Desktop/in", "Operation not permitted (1)", "darwin"), good[1]]

    assert [c.state for c in agents.reads(told(), good, lambda pid: "/py")] == [State.OK]
    assert [c.state for c in agents.reads(told(agent=False), None, lambda pid: "/py")] == [State.SKIPPED]
    (check,) = agents.reads(told(), closed, lambda pid: "/opt/real/python3.12")
    assert check.state is State.FAULT and "/opt/real/python3.12" in check.remedy and "EPERM" in check.detail


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        ("/Users/me/Dropscribe/inbox", False),
        ("/Users/me/Desktopper/inbox", False),
        ("/Users/me/Desktop", True),
        ("/Users/me/documents/Scans", True),
        ("/Users/me/Downloads/x", True),
        ("/Users/me/Library/Mobile Documents/com~apple~CloudDocs/in", True),
        ("/Users/me/Library/CloudStorage/Dropbox/in", True),
        ("/Users/me/Library/Application Support/dropscribe", False),
        ("/Volumes/USB/in", True),
        ("/Users/you/Desktop", False),
    ],
)
def test_places_that_are_closed_to_agents(path: str, closed: bool) -> None:
    assert (closed_to_agents(path, "/Users/me") is not None) is closed


def test_the_program_of_a_framework_python_is_the_app_inside(tmp_path: Path) -> None:
    version = tmp_path / "Python.framework" / "Versions" / "3.12"
    app = version / "Resources" / "Python.app" / "Contents" / "MacOS" / "Python"
    for path in (app, version / "bin" / "python3.12"):
        path.parent.mkdir(parents=True)
        path.touch()
    link = tmp_path / "python"
    link.symlink_to(version / "bin" / "python3.12")

    assert program_of(str(link)) == str(app)
    assert program_of(str(tmp_path / "plain")) == str(tmp_path / "plain")
