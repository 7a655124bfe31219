"""A Mac that is none: its home, its knobs and logs, and the real commands of Dropscribe run on it.

What stands in for macOS lies in `mac/`. Everything a test sets or reads here is a file in `folder`, so that every
process of the rehearsal sees the same machine.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

import dropscribe
from dropscribe.control import client
from support.harness import wait_for

HERE = Path(__file__).with_name("mac")
PACKAGE = Path(dropscribe.__file__).parent
SAMPLES = PACKAGE / "samples"
LABEL = "local.dropscribe"
UF_IMMUTABLE, SF_DATALESS = 0x2, 0x40000000
GB = 1 << 30
DEADLINE = 60.0  # seconds: two slow cores start a daemon, a worker and a model within it


class Mac:
    """One machine with one user, and at most one agent."""

    def __init__(self, root: Path, libraries: list[Path], home: Path | None = None) -> None:
        self.root, self.folder, self.home = root, root / "system", home or root / "Users/u"
        self.variables: dict[str, str] = {}
        self._libraries = libraries
        (self.folder / "flags").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        self.home.mkdir(parents=True)
        self.temporary = root / "T"
        self.temporary.mkdir()
        for tool in (HERE / "bin").iterdir():
            shutil.copy(tool, self.folder / "bin")
        launchctl = self.folder / "bin" / "launchctl"
        launchctl.write_text(f"#!{sys.executable} -IS\n" + (HERE / "launchctl.py").read_text("utf-8"))
        launchctl.chmod(0o755)
        self.knob("throttle", 1)
        self.knob("hw.memsize", 16 * GB)

    # -- the machine

    def knob(self, name: str, value: object) -> None:
        """Set what the system answers from now on."""
        staged = self.folder / f"{name}.new"
        staged.write_text(f"{value}\n")
        staged.rename(self.folder / name)

    def clear(self, name: str) -> None:
        """Take a knob back."""
        (self.folder / name).unlink()

    def chflags(self, path: Path, flags: int) -> None:
        """Set a file's flags, as chflags(1) and iCloud do."""
        self.knob(f"flags/{os.lstat(path).st_ino}", flags)

    def lines(self, name: str) -> list[str]:
        """Return the lines of one of the system's logs so far."""
        path = self.folder / name
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []

    def calls(self, name: str) -> int:
        """Return how often a native function was called so far."""
        return sum(line.startswith(name) for line in self.lines("calls.log"))

    # -- Dropscribe on it

    @property
    def support(self) -> Path:
        """The platform's place for settings and state."""
        return self.home / "Library/Application Support/dropscribe"

    @property
    def plist(self) -> Path:
        """The agent's property list."""
        return self.home / f"Library/LaunchAgents/{LABEL}.plist"

    @property
    def inbox(self) -> Path:
        """The inbox of the default settings."""
        return self.home / "Dropscribe/inbox"

    @property
    def outbox(self) -> Path:
        """The outbox of the default settings."""
        return self.home / "Dropscribe/outbox"

    def environment(self) -> dict[str, str]:
        """Return the variables of every process."""
        return {
            "HOME": str(self.home), "TMPDIR": f"{self.temporary}/", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{self.folder}/bin:/usr/bin:/bin", "LD_PRELOAD": " ".join(map(str, self._libraries)),
            "PYTHONPATH": f"{HERE / 'site'}:{PACKAGE.parent}", "FAKE_MAC": str(self.folder),
            "FAKE_MAC_PACKAGE": f"{PACKAGE}/", **self.variables,
        }  # fmt: skip

    def settings(self, **sections: dict[str, Any]) -> None:
        """Write the user's settings file: quick to settle, and only what is named otherwise."""
        quick = {"stable_for": "300ms", "incomplete_timeout": "4s"}
        values: dict[str, Any] = {"engine": {"name": "rapidocr"}, "log": {"level": "debug"}, **sections}
        values["intake"] = quick | sections.get("intake", {})
        self.support.mkdir(parents=True, exist_ok=True)
        staged = self.support / "config.yaml.part"
        staged.write_text(yaml.safe_dump(values))
        staged.rename(self.support / "config.yaml")

    def run(self, *words: str, deadline: float = 150.0, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "dropscribe", *words], env=self.environment(), capture_output=True, text=True,
            timeout=deadline, input=text, cwd=self.home, check=False,
        )  # fmt: skip

    def install(self) -> str:
        """Install the agent, which must work, and return what was said."""
        done = self.run("install")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return what the agent tells."""
        state = str(self.support)
        before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(self.temporary)
        try:
            found: dict[str, Any] = client.exchange(state, {"command": "status"})["status"]
        finally:
            os.environ.pop("TMPDIR")
            if before is not None:
                os.environ["TMPDIR"] = before
        return found

    def wait(self, condition: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """Return the first status that meets *condition*."""
        last: dict[str, Any] = {}

        def look() -> dict[str, Any] | None:
            nonlocal last
            try:
                last = self.status()
            except client.NotRunning:
                return None
            return last if condition(last) else None

        try:
            return wait_for(look, what, DEADLINE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(last, indent=1)}\n{self.log()}") from None

    def drop(self, name: str, sample: str = "letter.png", folder: Path | None = None) -> Path:
        """Put a copy of a sample into the inbox, as a program that does it right."""
        place = (folder or self.inbox) / name
        staged = place.with_name(f".{name}.new")
        shutil.copyfile(SAMPLES / sample, staged)
        staged.rename(place)
        return place

    def text_of(self, name: str, outbox: Path | None = None) -> str:
        """Wait for a text in the outbox and return it."""
        path = (outbox or self.outbox) / name
        try:
            wait_for(path.exists, f"{name} is in the outbox", DEADLINE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None
        return path.read_text("utf-8")

    def log(self) -> str:
        """Return the daemon's log, and behind it what its process printed."""
        folder = self.home / "Library/Logs/dropscribe"
        names = ("dropscribe.log", "agent.log")
        return "".join((folder / name).read_text("utf-8", "replace") for name in names if (folder / name).exists())

    def job(self) -> dict[str, Any]:
        """Return what launchd holds of the agent; empty when it knows none."""
        path = self.folder / f"launchd-{LABEL}.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        return found

    def ran(self, text: str) -> bool:
        """Say whether a line of our code that holds *text* has run, in a process that has ended and may tell."""
        seen = {tuple(line.rsplit(":", 1)) for line in self.lines("lines.log")}
        files = {name: (PACKAGE / name).read_text("utf-8").splitlines() for name, _ in seen}
        return any(text in files[name][int(number) - 1] for name, number in seen)

    def alive(self, pid: int) -> bool:
        """Say whether a process still runs."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def close(self) -> None:
        """End the agent, whatever became of the test."""
        if server := self.job().get("server"):
            psutil.Process(server).terminate()
        end = time.monotonic() + 30
        while self.job() and time.monotonic() < end:
            time.sleep(0.05)
