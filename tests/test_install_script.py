"""`.ci/venv`, which `make demo` and `make test` run: it says what takes minutes, and shows progress to who looks on."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / ".ci" / "venv"
UV = """#!/bin/sh
echo "$@" >>calls
mkdir -p .venv/bin
"""


def install(root: Path, errors: int) -> str:
    """Run the script in *root* with a stand-in for uv; return what that was asked to do."""
    (root / ".ci").mkdir()
    shutil.copy(SCRIPT, root / ".ci" / "venv")
    programs = root / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV)
    (programs / "uv").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", ".ci/venv", "."], cwd=root, env=os.environ | {"PATH": path}, stderr=errors, check=True)
    return (root / "calls").read_text()


def test_it_says_what_it_is_doing(tmp_path: Path) -> None:
    with (tmp_path / "told").open("wb") as told:
        calls = install(tmp_path, told.fileno())

    first, last = (tmp_path / "told").read_text().splitlines()
    assert first.startswith("Installing Dropscribe") and "some minutes" in first and last.startswith("Installed: ")
    assert "pip install --quiet" in calls


def test_a_terminal_is_shown_the_progress(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    calls = install(tmp_path, theirs)
    os.close(theirs)
    os.close(ours)

    assert "pip install --python" in calls
