"""The lock resolves where it is meant to: wheels alone, for Apple Silicon, on the macOS that the README names.

uv answers for another platform with that platform's markers and wheel tags, which pip cannot. Nothing is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = [sys.executable, "-m", "uv"] if find_spec("uv") else [shutil.which("uv") or ""]
OUT_OF_REACH = re.compile(r"failed to fetch|error sending request|dns error|connect|network|offline", re.IGNORECASE)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.skipif(UV == [""], reason="uv is not installed")]


def resolved(macos: str, python: str) -> subprocess.CompletedProcess[str]:
    """Resolve the package for Apple Silicon with that *macos*; skip where no package index can be reached."""
    options = ["--python-platform", "aarch64-apple-darwin", "--python-version", python, "--only-binary", ":all:"]
    quiet = ["--quiet", "--no-header", "--no-annotate"]
    done = subprocess.run(
        [*UV, "pip", "compile", *quiet, *options, "--constraint", "constraints.txt", "pyproject.toml"],
        cwd=ROOT, env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": macos}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and "No solution found" not in done.stderr and OUT_OF_REACH.search(done.stderr):
        pytest.skip(f"no package index can be reached: {done.stderr.strip().splitlines()[-1]}")
    return done


def pins(text: str) -> dict[str, str]:
    """Return the versions of a list of requirements, by name."""
    lines = (line.partition("==") for line in text.splitlines() if "==" in line)
    return {name.lower().replace("_", "-"): version for name, _, version in lines}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("macos", ["15.0", "26.0"])
def test_every_package_has_a_wheel_for_apple_silicon(macos: str, python: str) -> None:
    done = resolved(macos, python)

    assert done.returncode == 0, done.stderr
    found, locked = pins(done.stdout), pins((ROOT / "constraints.txt").read_text("utf-8"))
    assert {"mlx", "mlx-metal", "mlx-vlm", "onnxruntime", "pikepdf"} <= found.keys()
    assert {name: version for name, version in found.items() if locked.get(name, version) != version} == {}


def test_macos_14_is_too_old_as_the_readme_says() -> None:
    done = resolved("14.0", "3.12")

    assert done.returncode != 0 and "no usable wheels" in done.stderr


def test_the_install_of_the_readme_ends_with_a_command_on_the_path(tmp_path: Path) -> None:
    """`uv tool install .` as the README has it, with folders of its own; the hand-outs come with the package."""
    assert "uv tool install ." in (ROOT / "README.md").read_text("utf-8")
    programs = tmp_path / "bin"
    environment = os.environ | {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(programs)}
    environment.pop("PYTHONPATH", None)
    command = [*UV, "tool", "install", "--quiet", "--constraints", "constraints.txt", "--python", sys.executable, "."]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and OUT_OF_REACH.search(done.stderr):
        pytest.skip(f"no package index can be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr

    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    told = subprocess.run(["dropscribe", "--version"], env=environment, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"dropscribe \d+\.\d+\.\d+\n", told.stdout)
    (package,) = (tmp_path / "tools").glob("dropscribe/lib/python*/site-packages/dropscribe")
    assert {"Copy text.workflow", "dropscribe.5s.py"} <= {path.name for path in (package / "launchd").iterdir()}
