"""`dropscribe demo`: the real daemon on a temporary folder with four sample pictures, from drop to unloaded model."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from typing import Any

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED
from dropscribe.control import client
from dropscribe.control.client import NotRunning
from dropscribe.engines import registry
from dropscribe.memory.policy import size

IDLE = 4  # seconds until the model is unloaded
LONGEST = 110.0  # seconds for all of it, once a model is there
DOWNLOAD = 3600.0  # seconds for the first load of a model that must be downloaded


def demo(given: argparse.Namespace) -> int:
    """Process the samples; return 0 when every step succeeded."""
    engine = os.environ.get("ENGINE") or "rapidocr"
    with tempfile.TemporaryDirectory(prefix="dropscribe-demo-") as root:
        # Resolved: a Mac's temporary folder lies behind a link, /var, and events name the folder behind it.
        show = Demo(os.path.realpath(root), engine)
        try:
            return EXIT_DONE if show.play() else EXIT_FAILED
        finally:
            show.close()


class Demo:
    """One demonstration in the folder *root*."""

    def __init__(self, root: str, engine: str) -> None:
        self.root, self.engine = root, engine
        self.folders = {name: os.path.join(root, name) for name in ("inbox", "outbox", "archive", "failed", "state")}
        self.deadline = time.monotonic() + (LONGEST if engine == "rapidocr" else DOWNLOAD)
        self.process: subprocess.Popen[bytes] | None = None

    def say(self, text: str) -> None:
        """Print a line at once."""
        print(text, flush=True)

    def play(self) -> bool:
        """Start, drop, read, unload, stop; return whether all of it happened."""
        self._start()
        name, _ = registry.choose(self.engine)
        self.say(f"The daemon is running with the engine {name}; no model is loaded.")
        expected = self._drop()
        seen = self._texts(expected)
        peak = self._status()["model"]["footprint_bytes"]
        self.say(f"\nAll done. The model's process uses {size(peak)}. It exits after {IDLE} s without work ...")
        unload = self._wait(lambda: self._status()["model"]["last_unload"], "the model to be unloaded")
        self._wait(lambda: self._status()["model"]["state"] == "cold", "the model's process to end")
        unload = self._status()["model"]["last_unload"]
        before, released, residue = (size(unload[f"{name}_bytes"]) for name in ("footprint", "released", "residue"))
        self.say(
            f"Unloaded ({unload['reason']}): of {before}, {released} were returned to the system by the release inside "
            f"the process and {residue} by its exit, in {unload['seconds']:.1f} s.\n"
            f"The daemon itself uses {size(self._own_footprint())}."
        )
        return seen == len(expected)

    def _start(self) -> None:
        settings: dict[str, dict[str, Any]] = {
            "folders": self.folders,
            "intake": {"stable_for": "500ms", "incomplete_timeout": "3s"},
            "engine": {"name": self.engine},
            "model": {"idle_timeout": IDLE},
            "log": {"folder": os.path.join(self.root, "log")},
        }
        if model := os.environ.get("MODEL"):
            settings["engine"]["model"] = model
        path = os.path.join(self.root, "config.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dropscribe", "run", "--config", path], stderr=subprocess.DEVNULL
        )
        self._wait(self._answers, "the daemon to answer")

    def _drop(self) -> list[str]:
        """Copy the samples into the inbox and return the files that must appear."""
        with as_file(files("dropscribe") / "samples") as folder:
            names = sorted(name for name in os.listdir(folder) if name.endswith(".png"))
            for name in names:
                hidden = os.path.join(self.folders["inbox"], "." + name)
                shutil.copyfile(os.path.join(folder, name), hidden)
                os.rename(hidden, os.path.join(self.folders["inbox"], name))
        self.say(f"Dropped into {self.folders['inbox']}: {', '.join(names)}")
        good = [
            os.path.join(self.folders["outbox"], name.replace(".png", ".txt"))
            for name in names
            if name != "damaged.png"
        ]
        return [*good, os.path.join(self.folders["failed"], "damaged.png.error.txt")]

    def _texts(self, expected: list[str]) -> int:
        """Show each file as it appears; return how many did."""
        waiting = list(expected)
        while waiting and time.monotonic() < self.deadline:
            for path in [path for path in waiting if os.path.exists(path)]:
                waiting.remove(path)
                with open(path, encoding="utf-8") as file:
                    text = file.read().rstrip()
                self.say(f"\n--- {os.path.relpath(path, self.root)}\n{text}")
            self._loading()
            time.sleep(0.05)
        for path in waiting:
            self.say(f"\nmissing: {os.path.relpath(path, self.root)}")
        return len(expected) - len(waiting)

    def _loading(self) -> None:
        """Show the progress of a download."""
        load = self._status()["model"]["load"]
        if load and load["total_bytes"] and load["step"] == "download" and sys.stdout.isatty():
            print(
                f"\rdownloading the model: {size(load['done_bytes'])} of {size(load['total_bytes'])}   ",
                end="",
                flush=True,
            )

    def _answers(self) -> dict[str, Any] | None:
        try:
            return self._status()
        except NotRunning:
            return None

    def _status(self) -> dict[str, Any]:
        values: dict[str, Any] = client.exchange(self.folders["state"], {"command": "status"})["status"]
        return values

    def _own_footprint(self) -> int | None:
        from dropscribe.memory import readings

        return readings.footprint(self.process.pid) if self.process else None

    def _wait(self, condition: Callable[[], Any], what: str) -> Any:
        while not (value := condition()):
            if time.monotonic() > self.deadline:
                raise SystemExit(f"error: demo: gave up waiting for {what}\n  try: dropscribe doctor")
            time.sleep(0.05)
        return value

    def close(self) -> None:
        """Stop the daemon; may be called twice."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None
            self.say("The daemon has stopped and the temporary folder is removed.")
