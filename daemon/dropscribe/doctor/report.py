"""One file for a maintainer who has no such machine: versions, hardware, raw answers, the agent, one model's life.

No data of the user's: no names or texts of files; folders, the home and the user's name are taken out of every text.
"""

import getpass
import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any

from dropscribe import __version__
from dropscribe.agent.calls import call
from dropscribe.agent.launchd import LABEL
from dropscribe.config import Settings
from dropscribe.control import client
from dropscribe.control.client import NotRunning
from dropscribe.doctor import native, trial
from dropscribe.doctor.models import wanted_bytes
from dropscribe.engines import registry

PACKAGES = frozenset(
    ("mlx", "mlx-metal", "mlx-vlm", "transformers", "watchdog", "psutil", "pillow", "rapidocr", "onnxruntime",
     "pypdfium2", "pikepdf", "pi-heif", "msgspec", "platformdirs", "numpy", "opencv-python", "huggingface-hub")
)  # fmt: skip
DEVICE = "import json, mlx.core as mx; print(json.dumps({'device': str(mx.default_device()), **mx.device_info()}))"


def make(settings: Settings, checks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the report; *checks* is what the doctor has found."""
    engine, why = registry.choose(settings.engine.name)
    found = {
        "schema": "dropscribe-report/1", "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "dropscribe": __version__, "python": platform.python_version(), "engine": engine, "engine_reason": why,
        "packages": {d.name: d.version for d in distributions() if d.name.lower() in PACKAGES},
        "hardware": native.hardware(), "mlx": _mlx(engine), "native": native.answers(),
        "agent": _agent(), "checks": [_without_names(check) for check in checks],
        "trial": _trial(settings, engine),
    }  # fmt: skip
    cleaned: dict[str, Any] = scrubbed(found, _private(settings))
    return cleaned


def _make_room(settings: Settings) -> None:
    """Ask a daemon that holds a model to give it back: two of them would spoil the figures, and 8 GB."""
    try:
        client.exchange(settings.folders.state, {"command": "unload"})
    except NotRunning:
        pass


def _trial(settings: Settings, engine: str) -> dict[str, Any] | str:
    if wanted_bytes(engine, settings):
        return "the model is not on this machine: dropscribe models pull"
    _make_room(settings)
    return trial.run(settings, engine)


def _private(settings: Settings) -> dict[str, str]:
    """Return what must not be told and what stands in its place, the longest first."""
    home = os.path.expanduser("~")
    words = {getattr(settings.folders, name): f"<{name}>" for name in trial.NAMES}
    words |= {settings.log.folder: "<log>", home: "~", os.path.realpath(home): "~"}
    if os.path.isabs(settings.engine.model):
        words[settings.engine.model] = "<model>"
    return dict(sorted(words.items(), key=lambda pair: -len(pair[0]))) | _user()


def _user() -> dict[str, str]:
    """Return the user's name and what stands in its place; a number without a name tells nothing."""
    try:
        return {getpass.getuser(): "USER"}
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return {}


def _without_names(check: dict[str, Any]) -> dict[str, Any]:
    """Return a check, without its words where these are names of files."""
    return check | {"detail": ""} if check["name"] == "cloud" else check


def _mlx(engine: str) -> str | None:
    """Return what MLX says of its device; asked in a process of its own, which takes its memory along."""
    return call(sys.executable, "-c", DEVICE, seconds=60).text.strip() if engine == "deepseek-ocr" else None


def _agent() -> dict[str, Any] | None:
    """Return what launchd says, without its inner blocks: these hold the user's environment."""
    if sys.platform != "darwin":
        return None
    domain = f"gui/{os.getuid()}"
    shown = call("launchctl", "print", f"{domain}/{LABEL}")
    listed = call("launchctl", "print-disabled", domain)
    return {
        "version": call("launchctl", "version").text.strip(),
        "print": {"code": shown.code, "lines": re.findall(r"^\t\S.*[^{]$", shown.text, re.MULTILINE)},
        "print-disabled": {"code": listed.code, "lines": [line for line in listed.text.splitlines() if LABEL in line]},
    }


def scrubbed(value: Any, words: Mapping[str, str]) -> Any:
    """Return *value* with each of *words* replaced in any text of it, whole and in any case."""
    if isinstance(value, dict):
        return {key: scrubbed(inner, words) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(inner, words) for inner in value]
    if not isinstance(value, str):
        return value
    for word, other in words.items():
        value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", other, value, flags=re.IGNORECASE)
    return value
