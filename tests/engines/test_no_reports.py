"""No library reports to its maker: what onnxruntime keeps for that is not made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

READ = "import dropscribe; from dropscribe.engines.ppocr.sessions import Sessions; Sessions().load()"
ALONE = """
import importlib.util, pathlib, onnxruntime
models = pathlib.Path(importlib.util.find_spec("rapidocr").origin).parent / "models"
onnxruntime.InferenceSession(str(next(models.glob("*.onnx"))), providers=["CPUExecutionProvider"])
"""


def traces(home: Path, code: str) -> list[str]:
    """Return what *code* leaves in *home*."""
    kept = {key: value for key, value in os.environ.items() if key not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    subprocess.run([sys.executable, "-c", code], env=kept | {"HOME": str(home)}, check=True, capture_output=True)
    return [path.name for path in home.rglob("*") if "microsoft" in str(path).lower()]


def test_reading_leaves_no_device_id_and_no_queue_of_reports(tmp_path: Path) -> None:
    assert traces(tmp_path, READ) == []


def test_without_us_it_would(tmp_path: Path) -> None:
    """A judge that sees nothing proves nothing."""
    if not traces(tmp_path, ALONE):
        pytest.skip("this onnxruntime reports nothing by itself")


def test_processes_that_we_begin_are_told_too() -> None:
    code = "import dropscribe, subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    say = "import os; print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", code, say], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["1", "1"]
