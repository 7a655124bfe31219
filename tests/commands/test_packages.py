"""Commands without the packages of the big engine: a sentence and what to do, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

# A finder that knows nothing of these packages, as where they are not installed.
WITHOUT = """
import importlib.machinery, sys
class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.split(".")[0] in ("huggingface_hub", "mlx", "mlx_vlm", "transformers")
        return None if absent else super().find_spec(name, path, target)
sys.meta_path[:] = [Finder if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
sys.meta_path[:] = [finder for finder in sys.meta_path if "ditable" not in repr(finder)]
from dropscribe.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["models", "models pull", "models remove a/b", "read {}/scan.png"])
def test_what_is_missing_is_said_with_how_to_add_it(tmp_path: Path, command: str) -> None:
    settings = tmp_path / "config.yaml"
    settings.write_text(f"engine: {{name: deepseek-ocr}}\nfolders: {{state: {tmp_path / 'state'}}}\n")
    (tmp_path / "scan.png").touch()
    words = [*command.format(tmp_path).split(), "--config", str(settings)]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False)

    assert done.returncode == 1 and "Traceback" not in done.stderr
    error, remedy = done.stderr.splitlines()
    assert error.startswith("error: ") and ("huggingface_hub" in error or "mlx" in error)
    assert "dropscribe[mlx]" in remedy or "engine.name" in remedy


@pytest.mark.parametrize("engine", ["rapidocr", "remote, remote: {url: ['http://127.0.0.1:1']}"])
def test_the_embedded_model_is_listed_and_what_is_missing_for_others_is_said(tmp_path: Path, engine: str) -> None:
    settings = tmp_path / "config.yaml"
    settings.write_text(f"engine: {{name: {engine}}}\nfolders: {{state: {tmp_path / 'state'}}}\n")
    words = ["models", "--config", str(settings)]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    embedded, *others = done.stdout.splitlines()
    assert embedded.startswith("rapidocr  ") and "no download needed" in embedded
    assert embedded.endswith("<- the engine in use") is (engine == "rapidocr")
    assert others == [
        "Other models cannot be used here: deepseek-ocr needs huggingface_hub, not installed. To add that: "
        "pip install 'dropscribe[mlx]'"
    ]
