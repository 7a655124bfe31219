"""Doctor sees what status sees: a newer journal, a paused queue, a blocked model, originals that wait."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dropscribe.core.status import ModelStatus, QueueStatus, RecipeStatus, Status
from dropscribe.doctor import processes, work
from dropscribe.doctor.processes import Running
from dropscribe.doctor.values import State
from dropscribe.journal import schema
from dropscribe.memory.processes import Leftover
from support.fakes import picture
from support.harness import Daemon, left


@pytest.fixture
def too_new(tmp_path: Path) -> Daemon:
    """Return a daemon whose journal was written by a newer program, with a file to read."""
    daemon = Daemon(tmp_path)
    daemon.state.mkdir()
    with sqlite3.connect(daemon.state / "journal.db") as db:
        db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    db.close()
    picture(daemon.inbox / "scan.png")
    return daemon


@pytest.mark.parametrize(
    ("command", "code"),
    [(["run"], 1), (["retry", "--all"], 1), (["unload"], 1), (["pause"], 1), (["status"], 0), (["check"], 0)],
    ids=lambda given: "-".join(given) if isinstance(given, list) else None,
)  # fmt: skip
def test_every_command_names_a_journal_of_a_newer_program(too_new: Daemon, command: list[str], code: int) -> None:
    done = too_new.run(*command)

    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "journal" in told and "newer Dropscribe" in told and "install the newer Dropscribe again" in told
    assert left(too_new.inbox) == ["scan.png"]


def test_doctor_names_it_as_a_fault(too_new: Daemon) -> None:
    checks = {check["name"]: check for check in json.loads(too_new.run("doctor", "--json").stdout)["checks"]}

    assert checks["journal"]["state"] == "fault" and "newer Dropscribe" in checks["journal"]["remedy"]


def test_an_agent_waits_for_it_and_says_so(too_new: Daemon) -> None:
    with too_new.start("--agent"):
        status = too_new.status()
        assert status["daemon"]["config_error"] is None
        assert "newer Dropscribe" in status["queue"]["paused_reason"]
        (too_new.state / "journal.db").unlink()
        too_new.wait_quiet()

    assert left(too_new.archive) == ["scan.png"]


Change = Callable[[Daemon], Any]


def test_a_paused_queue_is_told(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.run("pause")
        checks = {check["name"]: check for check in json.loads(daemon.run("doctor", "--json").stdout)["checks"]}

    assert (checks["queue"]["state"], checks["queue"]["remedy"]) == ("warning", "dropscribe resume")
    assert checks["journal"]["state"] == "ok"


def of(**queue: Any) -> Status:
    return Status(queue=QueueStatus(queued=3, running=0, **queue))


def test_what_pauses_the_queue_is_a_fault_with_the_remedy_of_its_reason() -> None:
    check = work.queue(of(paused=True, paused_reason="disk-full: no room on /outbox"))

    assert check.state is State.FAULT
    assert "3 files waiting; paused: disk-full" in check.detail and check.remedy.startswith("free some space")


def test_a_blocked_model_and_waiting_originals_are_told() -> None:
    status = of(archive_error="scan.png cannot be moved yet: read-only")
    status.model = ModelStatus(state="blocked", blocked_reason="the model needs about 3 GB")
    checks = {check.name: check for check in work.all_of(status)}

    assert checks["queue"].state is State.OK
    assert "needs about 3 GB" in checks["model state"].detail and "read-only" in checks["originals"].detail
    assert all(check.remedy for check in checks.values() if check.state is not State.OK)


@pytest.mark.parametrize("reason", [None, "inbox-offline: it is not there"])
def test_a_missing_inbox_of_a_recipe_is_told_as_a_folder_alone(tmp_path: Path, reason: str | None) -> None:
    status = of()
    recipe = RecipeStatus(name="scan", inbox=str(tmp_path / "in"), inbox_online=False, watch="x", paused_reason=reason)
    status.recipes = [recipe]

    assert not [check for check in work.all_of(status) if check.name == "recipe scan"]
    (tmp_path / "in").mkdir()  # where a share is mounted when it is
    assert [check.state for check in work.all_of(status) if check.name == "recipe scan"] == [State.WARNING]
    recipe.inbox, recipe.paused_reason = str(tmp_path / "other"), "disk-full: no room"
    assert [check.state for check in work.all_of(status) if check.name == "recipe scan"] == [State.WARNING]


def test_workers_of_other_daemons_are_counted_as_theirs() -> None:
    daemon = Running(50, Status(model=ModelStatus(pid=7)), lock_held=True)
    workers = [Leftover(7, 50, 1, 0.0), Leftover(8, 60, 1, 0.0)]
    (check,) = processes.leftover_workers(daemon, workers, lambda pid: ["python", "-m", "dropscribe", "run"])

    assert check.state is State.OK
    assert check.detail == "no worker without a daemon: 1 of this daemon, 1 of other daemons (pid 60)"


def test_a_log_that_was_moved_away_is_told_beside_a_running_daemon(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        (tmp_path / "log" / "dropscribe.log").rename(tmp_path / "rotated")
        checks = {check["name"]: check for check in json.loads(daemon.run("doctor", "--json").stdout)["checks"]}

    assert checks["logs"]["state"] == "warning" and "moved or removed" in checks["logs"]["detail"]
