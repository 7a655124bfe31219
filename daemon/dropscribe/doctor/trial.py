"""One life of the model, from nothing to nothing, in a temporary folder: how long, and how much memory when.

A daemon of its own reads one of the sample pictures with the engine that the settings name; it never downloads a model.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.resources import as_file, files
from typing import Any

from dropscribe.config import Settings
from dropscribe.control import client
from dropscribe.control.client import NotRunning
from dropscribe.memory import readings

SAMPLE = "letter.png"
IDLE, STEP, LONGEST = 2, 0.25, 900.0  # seconds; a first page on a new GPU compiles its kernels
NAMES = ("inbox", "outbox", "archive", "failed", "state")


def run(settings: Settings, engine: str) -> dict[str, Any]:
    """Return the samples of one load, page and unload, and what became of the page."""
    with tempfile.TemporaryDirectory(prefix="dropscribe-trial-") as root:
        root = os.path.realpath(root)
        path = _settings(root, settings, engine)
        command = [sys.executable, "-m", "dropscribe", "run", "--config", path]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return _watched(root, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _settings(root: str, settings: Settings, engine: str) -> str:
    values = {
        "folders": {name: os.path.join(root, name) for name in NAMES},
        "intake": {"stable_for": "500ms"},
        "engine": {"name": engine, "model": settings.engine.model, "mode": settings.engine.mode},
        "model": {"idle_timeout": IDLE},
        "output": {"formats": ["json"]},
        "log": {"folder": os.path.join(root, "log")},
    }
    os.makedirs(os.path.join(root, "inbox"))
    with as_file(files("dropscribe") / "samples" / SAMPLE) as sample:
        shutil.copyfile(sample, os.path.join(root, "inbox", SAMPLE))
    path = os.path.join(root, "config.yaml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(values, file)
    return path


def _watched(root: str, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Look at the daemon until its model has come and gone, it has ended, or too long has passed."""
    begun, samples, last = time.monotonic(), [], None
    while time.monotonic() - begun < LONGEST and process.poll() is None:
        try:
            status = client.exchange(os.path.join(root, "state"), {"command": "status"})["status"]
        except NotRunning:
            time.sleep(STEP)
            continue
        samples.append(_sample(status, time.monotonic() - begun))
        last = status["model"]["last_unload"]
        if last is not None and status["model"]["state"] == "cold":
            break
        time.sleep(STEP)
    return {"samples": samples, "last_unload": last, "exit": process.poll(), **_outcome(root)}


def _sample(status: dict[str, Any], seconds: float) -> dict[str, Any]:
    model, there = status["model"], readings.available()
    return {
        "seconds": round(seconds, 2), "state": model["state"], "load": (model["load"] or {}).get("step"),
        "worker": None if model["pid"] is None else readings.footprint(model["pid"]),
        "mlx": model["mlx"], "available": there.bytes, "percent": there.percent, "pressure": readings.pressure(),
        "blocked": model["blocked_reason"],
    }  # fmt: skip


def _outcome(root: str) -> dict[str, Any]:
    """Return what was read of the sample: attempts and times, and how much text."""
    path = os.path.join(root, "outbox", SAMPLE.replace(".png", ".json"))
    if not os.path.exists(path):
        return {"page": None, "failed": sorted(os.listdir(os.path.join(root, "failed")))}
    with open(path, encoding="utf-8") as file:
        page = json.load(file)["pages"][0]
    return {"page": {key: page[key] for key in ("seconds", "attempts", "flags")} | {"characters": len(page["text"])}}
