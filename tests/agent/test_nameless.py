"""A user that is a number without a name, as containers run programs: no command ends in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.agent_tools import Tool

NUMBER = 54321  # the real user id, which names are asked for; the effective one may read this Python's own files
NO_BUS = (1, "Failed to connect to bus: No medium found")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")


def nameless(program: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    command = [sys.executable, "-c", f"import os, sys; os.setresuid({NUMBER}, 0, 0)\n{program}", *words]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=60, check=False)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return nameless("from dropscribe.cli import main; sys.exit(main(sys.argv[1:]))", *words, **environment)


def test_install_names_the_number_and_what_a_container_does_instead(tmp_path: Path) -> None:
    Tool(tmp_path / "bin", "systemctl", show_environment=[NO_BUS])
    done = run("install", HOME=str(tmp_path), PATH=str(tmp_path / "bin"))

    assert done.returncode == 1 and f"the user {NUMBER}" in done.stderr, done.stderr
    assert done.stderr.splitlines()[1:] == ["  try: in a container let its own supervisor run: dropscribe run --agent"]


def test_a_started_unit_tells_the_number_where_it_would_end_with_the_logout(tmp_path: Path) -> None:
    Tool(tmp_path / "bin", "loginctl", show_user=[(0, "Linger=no")])
    program = "from dropscribe.agent.systemctl import Systemd; print(Systemd('/nowhere')._notes())"
    done = nameless(program, PATH=str(tmp_path / "bin"))

    assert f"enable-linger {NUMBER}" in done.stdout, done.stderr


@pytest.mark.parametrize("command", ["install", "uninstall", "install --print", "status", "check", "doctor", "logs"])
def test_a_user_without_a_home_is_told_so(command: str) -> None:
    done = run(*command.split())

    assert "Traceback" not in done.stderr and done.returncode == 2
    assert f"the user {NUMBER} has no home folder here" in done.stderr and "try: set HOME" in done.stderr


def test_a_folder_below_a_home_that_is_not_known_is_a_fault_of_its_setting() -> None:
    done = nameless("from dropscribe.config import kinds; kinds.folder('~/in', '/')")

    assert "ValueError: is below your home folder, which the system does not know" in done.stderr


def test_a_report_needs_no_name_of_the_user() -> None:
    done = nameless("from dropscribe.doctor import report; print(report._user())")

    assert done.stdout == "{}\n", done.stderr
