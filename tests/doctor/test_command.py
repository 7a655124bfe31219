"""`dropscribe doctor` as people and scripts meet it: list, JSON, exit code; beside a real daemon and without."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.harness import REAL_DAEMON, Daemon, left

STATES = {"ok", "warning", "fault", "skipped"}


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Daemon(tmp_path, REAL_DAEMON)


def told(daemon: Daemon, *faults: str) -> dict[str, dict[str, Any]]:
    """Return the checks of `doctor --json` by name, after looking at its shape, exit code and *faults*.

    Workers that other tests have just orphaned are faults of this machine and not of this daemon.
    """
    done = daemon.run("doctor", "--json")
    values = json.loads(done.stdout)
    found = {check["name"] for check in values["checks"] if check["state"] == "fault"}
    assert found - {"leftovers"} == set(faults), done.stdout + done.stderr
    assert set(values) == {"ok", "checks"} and values["ok"] is (not found) and done.returncode == bool(found)
    for check in values["checks"]:
        assert set(check) == {"name", "state", "detail", "remedy"} and check["state"] in STATES
        assert bool(check["remedy"]) is (check["state"] in ("warning", "fault")), check
    return {check["name"]: check for check in values["checks"]}


def test_beside_a_running_daemon_all_is_looked_at_and_nothing_stays(daemon: Daemon) -> None:
    with daemon.start("--agent"):
        checks = told(daemon)

    for name in ("settings", "python", "packages", "model", "disk", "folder inbox", "events", "daemon", "agent access"):
        assert checks[name]["state"] == "ok", checks[name]
    assert {"memory", "cloud", "agent", "leftovers", "clock", "sleep", "logs"} <= checks.keys()
    assert not left(daemon.inbox) and not list(daemon.inbox.iterdir())


def test_without_a_daemon_it_says_what_it_could_not_look_at(daemon: Daemon) -> None:
    checks = told(daemon)

    assert checks["daemon"]["state"] == checks["agent access"]["state"] == "skipped"


def test_a_fault_is_exit_1_and_comes_with_a_remedy(daemon: Daemon) -> None:
    daemon.inbox.rmdir()
    daemon.inbox.touch()

    assert "not a folder" in told(daemon, "folder inbox")["folder inbox"]["detail"]
    done = daemon.run("doctor")
    assert done.returncode == 1
    assert "fault    folder inbox:" in done.stdout and "\n         try: " in done.stdout
    assert re.match(r"\d faults?, ", done.stdout.splitlines()[-1])


def test_faulty_settings_are_faults_of_the_list_and_the_rest_is_still_looked_at(daemon: Daemon) -> None:
    daemon.settings["model"] = {"idle_timeout": "soon"}
    daemon.save()

    checks = told(daemon, "settings")

    assert "idle_timeout" in checks["settings"]["detail"]
    assert {"python", "packages", "agent"} <= checks.keys()


def test_doctor_memory_tells_what_there_is_and_who_holds_it(daemon: Daemon) -> None:
    with daemon.start():
        values = json.loads(daemon.run("doctor", "memory", "--json").stdout)
        text = daemon.run("doctor", "memory")

    assert values["total_bytes"] > values["available_bytes"] > 0 and values["advice"]
    assert daemon.process is not None and daemon.process.pid in [other["pid"] for other in values["others"]]
    assert text.returncode == 0 and f"dropscribe {daemon.process.pid}" in text.stdout
