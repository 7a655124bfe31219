"""A real daemon in a folder of its own, for tests to drop files on, look into and kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml

from dropscribe.control import client
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from support.fakes import picture

T = TypeVar("T")
FAKE_DAEMON = [sys.executable, str(Path(__file__).with_name("fake_daemon.py"))]
REAL_DAEMON = [sys.executable, "-m", "dropscribe"]
Condition = Callable[[dict[str, Any]], bool]  # of what `status` tells
DEADLINE = 30.0  # seconds: generous, since it is reached only when something is broken


def wait_for(condition: Callable[[], T | None], what: str, deadline: float = DEADLINE) -> T:
    """Return the first true value of *condition*; fail, saying *what* did not happen, at the deadline."""
    end = time.monotonic() + deadline
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"within {deadline:.0f} s this did not happen: {what}"
        time.sleep(0.01)


class Daemon:
    """The folders of one daemon and, while it runs, its process."""

    def __init__(self, root: Path, command: list[str] | None = None, **sections: dict[str, Any]) -> None:
        self.root = root
        self.command = command or FAKE_DAEMON
        self.process: subprocess.Popen[str] | None = None
        self.environment = {"XDG_STATE_HOME": str(root / "xdg")}  # what a daemon notes there belongs to its test
        names = ("inbox", "outbox", "archive", "failed", "state")
        self.inbox, self.outbox, self.archive, self.failed, self.state = (root / name for name in names)
        self.settings: dict[str, dict[str, Any]] = {
            "folders": {name: str(root / name) for name in names},
            "intake": {"stable_for": "100ms", "incomplete_timeout": "1s", "rescan_interval": "2s", "recheck_for": 0},
            "engine": {"name": "rapidocr"},
            "memory": {"unload_on": "never", "max_percent": 100},
            "log": {"folder": str(root / "log"), "level": "debug"},
        }
        for section, values in sections.items():
            self.settings[section] = self.settings.get(section, {}) | values
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.save()

    @property
    def config(self) -> Path:
        return self.root / "config.yaml"

    def save(self) -> None:
        """Write the settings file."""
        self.config.write_text(yaml.safe_dump(self.settings))

    def change(self, **sections: dict[str, Any]) -> None:
        """Save the settings file with these values of these sections changed."""
        for section, values in sections.items():
            self.settings[section] = self.settings.get(section, {}) | values
        staged = self.root / "config.yaml.part"
        staged.write_text(yaml.safe_dump(self.settings))
        staged.rename(self.config)

    def workers(self) -> list[int]:
        """Return the pids of the processes that the daemon has started and that still run."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    def resident(self) -> int:
        """Return the bytes of memory that the daemon itself has resident."""
        assert self.process is not None
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def counting(self, **options: Any) -> "Daemon":
        """Set what the fake engine does, and count its loads (see `starts`)."""
        self.fake(starts=str(self.root / "starts"), **options)
        return self

    def starts(self) -> int:
        """Return how many workers have begun to load an engine."""
        file = self.root / "starts"
        return len(file.read_text()) if file.exists() else 0

    def read_one(self, name: str = "scan.png", number: int = 0) -> dict[str, Any]:
        """Have one picture read by the running daemon; return the status after it."""
        before = self.status()["queue"]["done"]
        picture(self.inbox / name, number)
        return self.wait_status(done(before + 1), f"{name} is read")

    def peaks(self, model: str) -> list[int]:
        """Return the peaks that the journal of a stopped daemon remembers."""
        path = str(self.state / "journal.db")
        journal = Journal.read_only(schema.open_to_look(path), path)
        try:
            return journal.metadata.peaks(model)
        finally:
            journal.close()

    def fake(self, **options: Any) -> None:
        """Set what the fake engine of the next workers does."""
        self.environment["DROPSCRIBE_FAKE"] = json.dumps(options)

    def run(self, *arguments: str, deadline: float = DEADLINE, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [*self.command, *arguments, "--config", str(self.config)]
        return subprocess.run(
            command,
            env=os.environ | self.environment | extra,
            capture_output=True,
            text=True,
            timeout=deadline,
            check=False,
        )

    def once(self, deadline: float = DEADLINE) -> int:
        """Drain the inbox and return the exit code."""
        return self.run("run", "--once", deadline=deadline).returncode

    def start(self, *arguments: str) -> "Daemon":
        """Start the daemon and wait until it answers."""
        command = [*self.command, "run", *arguments, "--config", str(self.config)]
        with open(self.root / "stderr", "a") as errors:
            self.process = subprocess.Popen(command, env=os.environ | self.environment, stderr=errors, text=True)
        wait_for(lambda: self.ended() or self.try_status(), "the daemon answers")
        return self

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def try_status(self) -> dict[str, Any] | None:
        try:
            return self.status()
        except client.NotRunning:
            return None

    def status(self) -> dict[str, Any]:
        """Return what the running daemon tells."""
        status: dict[str, Any] = client.exchange(str(self.state), {"command": "status"})["status"]
        return status

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        return client.exchange(str(self.state), {"command": command, **values})

    def wait_status(
        self, condition: Callable[[dict[str, Any]], Any], what: str, deadline: float = DEADLINE
    ) -> dict[str, Any]:
        """Return the first status that meets *condition*."""

        def look() -> dict[str, Any] | None:
            status = self.try_status()
            return status if status is not None and condition(status) else None

        try:
            return wait_for(look, what, deadline)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.try_status(), indent=1)}\n{self.log()}") from None

    def wait_quiet(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """Wait until nothing is left to do."""
        keys = ("settling", "queued", "running", "written", "rejected")
        return self.wait_status(
            lambda s: not any(s["queue"][k] for k in keys) and not left(self.inbox), "all is done", deadline
        )

    def kill(self) -> None:
        """End the daemon as a power cut does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def stop(self) -> int:
        """End the daemon politely; return its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process = None
        return code

    def log(self) -> str:
        path = self.root / "log" / "dropscribe.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def left(folder: Path) -> list[str]:
    """Return the visible files below *folder*, relative to it, sorted."""
    found = (Path(place).relative_to(folder) / name for place, _, names in os.walk(folder) for name in names)
    return sorted(str(p) for p in found if not any(part.startswith(".") for part in p.parts))


def gone(pid: int) -> bool:
    """Say whether a process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_in(*states: str) -> Condition:
    """Return a condition: the model is in one of these states."""
    return lambda status: status["model"]["state"] in states


def unloaded(reason: str) -> Condition:
    """Return a condition: there is no worker, and the last one went for this reason."""

    def holds(status: dict[str, Any]) -> bool:
        model = status["model"]
        return model["pid"] is None and model["last_unload"] is not None and model["last_unload"]["reason"] == reason

    return holds


def done(count: int) -> Condition:
    """Return a condition: so many files are done."""
    return lambda status: status["queue"]["done"] == count


def waits(name: str, what: str) -> Condition:
    """Return a condition: one file in the inbox is no job yet, *name*, and waits for *what*."""
    return lambda status: [(file["name"], file["waiting_for"]) for file in status["intake"]] == [(name, what)]
