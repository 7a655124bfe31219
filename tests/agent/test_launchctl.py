"""Talking to launchd: recorded answers, the right calls in the right order, and no status swallowed."""

import os
import stat
from pathlib import Path

import pytest

from dropscribe import config
from dropscribe.agent import launchctl, plan
from dropscribe.agent.launchctl import Launchd
from dropscribe.agent.plan import Plan
from dropscribe.agent.supervisor import inspect
from dropscribe.agent.timeouts import Timeouts
from dropscribe.core.errors import DropscribeError
from support.agent_tools import Tool

SOON = Timeouts(gone=5, bootstrap=5, answer=5, step=0.01)
NEVER = Timeouts(gone=-59.9, bootstrap=0.05, answer=0.05, step=0.01)  # 60 s are the agent's own, and none are left
# As macOS prints it, shortened: nested blocks have a state and counts of their own.
RUNNING = """gui/501/local.dropscribe = {
\tactive count = 1
\tpath = /Users/me/Library/LaunchAgents/local.dropscribe.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /Users/me/venv/bin/python
\tenvironment = {
\t\tPATH => /usr/bin:/bin
\t}

\tdomain = gui/501 [100002]
\tminimum runtime = 30
\texit timeout = 60
\truns = 1
\tpid = 4242
\timmediate reason = speculative
\tlast exit code = (never exited)

\tresource coalition = {
\t\tstate = active
\t\tpid = 1
\t}
\tspawn type = interactive (4)
}
"""
STOPPED = RUNNING.replace("state = running", "state = spawn scheduled").replace("\tpid = 4242\n", "")
GONE = (113, 'Could not find service "local.dropscribe" in domain for user gui: 501')
HERE = (0, RUNNING)
BUSY_5 = (5, "Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.")
BUSY_37 = (37, "Bootstrap failed: 37: Operation already in progress")


def ended(line: str, runs: int = 7) -> str:
    return STOPPED.replace("last exit code = (never exited)", line).replace("runs = 1", f"runs = {runs}")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    found = Tool(tmp_path / "bin", "launchctl", print=[GONE], bootout=[(3, "Boot-out failed: 3: No such process")])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return found


@pytest.fixture
def supervisor(tmp_path: Path, tool: Tool) -> Launchd:
    return Launchd(501, str(tmp_path / "home"))


@pytest.fixture
def made(tmp_path: Path) -> Plan:
    settings = config.checked({"folders": {"state": str(tmp_path / "state")}}, "test")
    return plan.make(settings, None, {}, "/venv/bin/python")


def test_a_first_install_writes_the_file_and_loads_it(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    supervisor.start(made, SOON)

    assert tool.calls == [
        ["bootout", "gui/501/local.dropscribe"],
        ["enable", "gui/501/local.dropscribe"],
        ["bootstrap", "gui/501", supervisor.path],
    ]
    assert Path(supervisor.path).read_bytes() == supervisor.render(made)
    assert stat.S_IMODE(os.stat(supervisor.path).st_mode) == 0o644


def test_an_upgrade_waits_until_the_old_agent_is_really_gone(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    tool.answer(bootout=[(0, "")], print=[HERE, HERE, HERE, GONE])

    supervisor.start(made, SOON)

    assert tool.verbs == ["bootout", *["print"] * 4, "enable", "bootstrap"]


@pytest.mark.parametrize("bootout", [(36, "Boot-out failed: 36: Operation now in progress"), (0, "")])
def test_a_bootout_that_only_began_is_waited_for(
    supervisor: Launchd, tool: Tool, made: Plan, bootout: tuple[int, str]
) -> None:
    tool.answer(bootout=[bootout], print=[HERE, GONE])

    supervisor.start(made, SOON)

    assert tool.verbs[-1] == "bootstrap"


@pytest.mark.parametrize("busy", [BUSY_5, BUSY_37])
def test_a_bootstrap_that_comes_too_soon_is_tried_again(
    supervisor: Launchd, tool: Tool, made: Plan, busy: tuple[int, str]
) -> None:
    tool.answer(bootout=[(3, "")], print=[GONE], bootstrap=[busy, busy, (0, "")])

    supervisor.start(made, SOON)

    assert tool.verbs.count("bootstrap") == 3


def test_an_error_5_for_an_agent_that_is_there_is_no_error(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    tool.answer(bootout=[(3, "")], bootstrap=[BUSY_5], print=[HERE])

    supervisor.start(made, SOON)

    assert tool.verbs.count("bootstrap") == 1


def test_the_last_refusal_is_told_with_its_meaning(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    tool.answer(bootout=[(3, "")], bootstrap=[BUSY_5], print=[GONE])

    with pytest.raises(DropscribeError) as told:
        supervisor.start(made, NEVER)

    assert "ended with 5 (Bootstrap failed: 5: Input/output error)" in told.value.what
    assert told.value.exit_code == 1 and told.value.remedy


@pytest.mark.parametrize("word", ["disabled", "true"])
def test_an_agent_that_is_switched_off_is_told_so(supervisor: Launchd, tool: Tool, made: Plan, word: str) -> None:
    off = f'disabled services = {{\n\t"com.apple.other" => {word}\n\t"local.dropscribe" => {word}\n}}'
    tool.answer(bootout=[(3, "")], bootstrap=[BUSY_5], print=[GONE], print_disabled=[(0, off)])

    with pytest.raises(DropscribeError, match="disabled") as told:
        supervisor.start(made, NEVER)

    assert "Login Items" in told.value.remedy


@pytest.mark.parametrize("word", ["enabled", "false"])
def test_a_neighbours_switch_is_not_ours(supervisor: Launchd, tool: Tool, word: str) -> None:
    listed = f'\t"local.dropscribe" => {word}\n\t"local.dropscribe.other" => disabled\n'
    tool.answer(print=[GONE], print_disabled=[(0, listed)])

    assert not supervisor.report().disabled


def test_without_a_login_at_the_screen_the_file_stays_for_the_next_one(
    supervisor: Launchd, tool: Tool, made: Plan
) -> None:
    tool.answer(bootout=[(3, "")], bootstrap=[(125, "Bootstrap failed: 125: Domain does not support specified action")])

    with pytest.raises(DropscribeError, match="no graphical session") as told:
        supervisor.start(made, SOON)

    assert os.path.exists(supervisor.path) and supervisor.path in told.value.what
    assert tool.verbs.count("bootstrap") == 1, "waiting does not help"


def test_another_refusal_is_not_tried_again(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    tool.answer(bootout=[(3, "")], bootstrap=[(109, "Bootstrap failed: 109: Invalid property list")])

    with pytest.raises(DropscribeError, match="109"):
        supervisor.start(made, SOON)

    assert tool.verbs.count("bootstrap") == 1


def test_an_agent_that_never_ends_is_not_loaded_a_second_time(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    supervisor.start(made, SOON)
    tool.answer(bootout=[(0, "")], print=[HERE])

    with pytest.raises(DropscribeError, match="still loaded"):
        supervisor.start(made, NEVER)

    assert tool.verbs.count("bootstrap") == 1


def test_a_removal_ends_the_agent_then_removes_the_file(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    supervisor.start(made, SOON)
    tool.answer(bootout=[(3, ""), (0, "")], print=[HERE, GONE])

    assert supervisor.remove(SOON)

    assert not os.path.exists(supervisor.path) and tool.verbs[-1] == "print"
    tool.answer(bootout=[(3, "")])
    assert not supervisor.remove(SOON), "there was nothing any more"


def test_a_mac_without_launchctl_or_a_user_in_roots_clothes_is_refused(
    supervisor: Launchd, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "me")
    if os.geteuid() == 0:
        with pytest.raises(DropscribeError, match="root"):
            supervisor.require()
    monkeypatch.delenv("SUDO_USER")
    supervisor.require()
    tool.path.unlink()

    with pytest.raises(DropscribeError, match="macOS"):
        supervisor.require()


def test_only_the_first_level_of_print_counts() -> None:
    report = launchctl.parse(RUNNING)

    assert (report.loaded, report.pid, report.last_end, report.runs) == (True, 4242, None, 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("last exit code = 78: EX_CONFIG", "could not set it up"),
        ("last exit code = 78", "exit code 78"),
        ("last exit code = 2", "settings are invalid, or another daemon"),
        ("last exit code = 134", "abort"),
        ("last exit code = 99", "not an exit code of Dropscribe"),
        ("last terminating signal = Killed: 9", "memory ran out"),
        ("last terminating signal = Segmentation fault: 11", "SIGSEGV"),
        ("last terminating signal = Unheard of: 77", "signal 77"),
        ("last exit reason = OS_REASON_JETSAM", "memory ran out"),
        ("last exit reason = OS_REASON_CODESIGNING", "signature"),
    ],
)
def test_the_last_end_is_told_in_words(line: str, words: str) -> None:
    report = launchctl.parse(ended(line))

    assert report.pid is None and report.last_end is not None and words in report.last_end


def test_a_good_end_and_none_at_all_are_no_news() -> None:
    assert launchctl.parse(ended("last exit code = 0")).last_end is None
    assert launchctl.parse(STOPPED).last_end is None
    assert launchctl.parse("another format altogether").loaded


def test_status_has_one_line_on_the_agent_or_none(supervisor: Launchd, tool: Tool, made: Plan) -> None:
    assert inspect(supervisor) is None
    supervisor.start(made, SOON)
    lines = {}
    for name, answer in {
        "running": HERE,
        "again": (0, ended("last terminating signal = Killed: 9").replace("runs = 7", "runs = 7\n\tpid = 8")),
        "failing": (0, ended("last exit code = 78: EX_CONFIG")),
        "unloaded": GONE,
    }.items():
        tool.answer(print=[answer])
        lines[name] = inspect(supervisor) or ""
    tool.answer(print=[GONE], print_disabled=[(0, '"local.dropscribe" => disabled')])

    assert lines["running"] == "launchd agent: running (pid 4242)"
    assert "started 7 times" in lines["again"] and "SIGKILL" in lines["again"]
    assert "not running" in lines["failing"] and "exit code 78" in lines["failing"]
    assert "not loaded" in lines["unloaded"]
    assert "disabled" in (inspect(supervisor) or "")
    assert all("\n" not in line for line in lines.values())
