"""The systemd user unit, and the talk with systemctl; systemd's own checker reads the unit where it is installed."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from dropscribe import config
from dropscribe.agent import plan, systemctl, systemd
from dropscribe.agent.plan import Plan
from dropscribe.agent.supervisor import inspect
from dropscribe.agent.systemctl import Systemd
from dropscribe.agent.timeouts import Timeouts
from dropscribe.core.errors import DropscribeError
from support.agent_tools import Tool

SOON = Timeouts(gone=5, bootstrap=5, answer=5, step=0.01)
NO_BUS = (1, "Failed to connect to bus: No medium found")  # systemd 252 in a container


def planned(root: Path, name: str = "settings.yaml") -> Plan:
    settings = config.checked({"folders": {"state": str(root / "state")}}, "test")
    return plan.make(settings, str(root / name), {"HF_HOME": "/my models/100%"}, "/opt/my venv/bin/python")


def settings_of(unit: bytes) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in unit.decode().splitlines() if "=" in line)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    Tool(tmp_path / "bin", "loginctl", show_user=[(0, "Linger=no")])
    return Tool(tmp_path / "bin", "systemctl")


@pytest.mark.parametrize("name", ["settings.yaml", "with space & \"quotes\" 50% $HOME \\ 'x'.yaml", "ünïcödé.yaml"])
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_itself_takes_the_unit(tmp_path: Path, name: str) -> None:
    python = tmp_path / "a venv" / "python"
    python.parent.mkdir()
    python.symlink_to("/bin/true")
    settings = config.checked({"folders": {"state": str(tmp_path / "st ate")}}, "test")
    unit = tmp_path / systemd.UNIT
    unit.write_bytes(systemd.render(plan.make(settings, str(tmp_path / name), {"HF_HOME": "/a b"}, str(python))))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit)], env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_path_with_special_characters_is_quoted(tmp_path: Path) -> None:
    unit = settings_of(systemd.render(planned(tmp_path, 'a "b" 5% $HOME.yaml')))

    assert unit["ExecStart"].startswith('"/opt/my venv/bin/python" "-m" "dropscribe" "run" "--agent" "--config" ')
    assert unit["ExecStart"].endswith('/a \\"b\\" 5%% $$HOME.yaml"')


def test_a_path_that_no_unit_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DropscribeError, match="cannot hold"):
        systemd.render(planned(tmp_path, "two\nlines.yaml"))


def test_it_is_started_again_after_a_crash_and_given_time_to_stop(tmp_path: Path) -> None:
    unit = settings_of(systemd.render(planned(tmp_path)))

    assert (unit["Restart"], unit["TimeoutStopSec"], unit["StartLimitIntervalSec"]) == ("on-failure", "60", "0")
    assert (unit["KillMode"], unit["OOMPolicy"]) == ("mixed", "continue")
    assert (unit["StandardOutput"], unit["StandardError"]) == ("journal", "journal")


def test_a_machine_without_a_user_manager_is_told_why_and_nothing_is_written(tmp_path: Path, tool: Tool) -> None:
    tool.answer(show_environment=[NO_BUS])
    supervisor = Systemd(str(tmp_path / "config"))

    with pytest.raises(DropscribeError) as told:
        supervisor.require()

    assert "No medium found" in told.value.what and "nothing was written" in told.value.what
    assert f"enable-linger {pwd.getpwuid(os.getuid()).pw_name};" in told.value.remedy, "no word to be replaced first"
    assert told.value.exit_code == 1 and not (tmp_path / "config").exists()


def test_a_machine_without_systemd_is_told_so(tmp_path: Path, tool: Tool) -> None:
    tool.path.unlink()

    with pytest.raises(DropscribeError, match="no systemd"):
        Systemd(str(tmp_path)).require()


def test_the_unit_is_written_enabled_and_started_anew(tmp_path: Path, tool: Tool) -> None:
    supervisor = Systemd(str(tmp_path / "config"))

    notes = supervisor.start(planned(tmp_path), SOON)

    assert tool.calls == [
        ["--user", "daemon-reload"],
        ["--user", "enable", "dropscribe.service"],
        ["--user", "restart", "dropscribe.service"],
    ]
    assert oct(os.stat(supervisor.path).st_mode & 0o777) == "0o644"
    assert "enable-linger" in notes[0], "or it would end with the logout"


def test_a_refusal_of_systemd_is_told_with_its_words(tmp_path: Path, tool: Tool) -> None:
    tool.answer(restart=[(1, "Job for dropscribe.service failed because the control process exited with error code.")])

    with pytest.raises(DropscribeError, match=r"restart ended with 1 \(Job for dropscribe.service failed"):
        Systemd(str(tmp_path)).start(planned(tmp_path), SOON)


def test_a_unit_that_the_checker_refuses_is_not_written(tmp_path: Path, tool: Tool) -> None:
    Tool(tmp_path / "bin", "systemd-analyze", verify=[(1, "/x/dropscribe.service:9: Unknown key name 'Typ'")])
    supervisor = Systemd(str(tmp_path / "config"))

    with pytest.raises(DropscribeError, match="Unknown key name"):
        supervisor.start(planned(tmp_path), SOON)

    assert not os.path.exists(supervisor.path) and not tool.calls


def test_a_checker_that_cannot_work_here_stops_nothing(tmp_path: Path, tool: Tool) -> None:
    Tool(tmp_path / "bin", "systemd-analyze", verify=[(1, "Failed to initialize manager: No such device or address")])

    Systemd(str(tmp_path)).start(planned(tmp_path), SOON)

    assert tool.verbs[-1] == "restart"


def test_a_removal_leaves_no_unit_and_no_link_even_without_a_manager(tmp_path: Path, tool: Tool) -> None:
    supervisor = Systemd(str(tmp_path))
    supervisor.start(planned(tmp_path), SOON)
    wants = tmp_path / "systemd/user/default.target.wants"
    wants.mkdir()
    (wants / systemd.UNIT).symlink_to(supervisor.path)
    tool.answer(disable=[NO_BUS], daemon_reload=[NO_BUS])

    assert supervisor.remove(SOON)

    assert [p.name for p in (tmp_path / "systemd/user").rglob("*")] == ["default.target.wants"]
    assert not supervisor.remove(SOON)


SHOWN = "LoadState=loaded\nUnitFileState=enabled\nActiveState=failed\nMainPID=0\nNRestarts=3\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("Result=exit-code\nExecMainCode=1\nExecMainStatus=203", "its Python cannot be executed"),
        ("Result=exit-code\nExecMainCode=1\nExecMainStatus=2", "another daemon"),
        ("Result=signal\nExecMainCode=2\nExecMainStatus=9", "SIGKILL"),
        ("Result=oom-kill\nExecMainCode=2\nExecMainStatus=9", "memory ran out"),
        ("Result=start-limit-hit\nExecMainCode=1\nExecMainStatus=1", "too often"),
    ],
)
def test_the_last_end_is_told_in_words(more: str, words: str) -> None:
    report = systemctl.parse(SHOWN + more)

    assert report.pid is None and report.last_end is not None and words in report.last_end


def test_status_has_one_line_on_the_unit_or_none(tmp_path: Path, tool: Tool) -> None:
    supervisor = Systemd(str(tmp_path))
    assert inspect(supervisor) is None
    supervisor.start(planned(tmp_path), SOON)
    good = "LoadState=loaded\nUnitFileState=enabled\nMainPID=77\nResult=success\nExecMainCode=0\nExecMainStatus=0\n"
    tool.answer(show=[(0, good), (0, good.replace("77", "0").replace("=enabled", "=disabled")), NO_BUS])

    assert inspect(supervisor) == "systemd user unit: running (pid 77)"
    assert "disabled" in (inspect(supervisor) or "")
    assert "not loaded" in (inspect(supervisor) or "")
