"""What makes it a part of a Mac, as far as Linux can try it: Quick Action, menu of SwiftBar, Homebrew formula."""

import ast
import hashlib
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.fakes import picture
from support.harness import Daemon

LAUNCHD = Path(__file__).parents[2] / "launchd"
WORKFLOW = LAUNCHD / "Copy text.workflow" / "Contents"
MENU = LAUNCHD / "dropscribe.5s.py"


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path / "daemon")


@pytest.fixture
def home(tmp_path: Path, daemon: Daemon) -> Path:
    """Return a home with the command in its place, and with the programs of a Mac that write down what they get."""
    programs = tmp_path / "home" / ".local" / "bin"
    programs.mkdir(parents=True)
    call = shlex.join([*daemon.command])
    settings = shlex.quote(str(daemon.config))
    scripts = {
        "dropscribe": f'exec {call} "$@" --config {settings}',
        "pbcopy": 'cat >"$HOME/clipboard"',
        "osascript": 'for word; do last=$word; done; printf "%s" "$last" >"$HOME/notification"',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return tmp_path / "home"


def shell_command() -> str:
    with (WORKFLOW / "document.wflow").open("rb") as file:
        (action,) = plistlib.load(file)["actions"]
    assert action["action"]["BundleIdentifier"] == "com.apple.RunShellScript"
    values = action["action"]["ActionParameters"]
    assert (values["inputMethod"], values["shell"]) == (1, "/bin/sh"), "files are given as arguments"
    command: str = values["COMMAND_STRING"]
    return command


def test_the_quick_action_is_offered_for_pictures_and_pdf_in_the_finder() -> None:
    with (WORKFLOW / "Info.plist").open("rb") as file:
        (service,) = plistlib.load(file)["NSServices"]

    assert service["NSSendFileTypes"] == ["public.image", "com.adobe.pdf"]
    assert service["NSMessage"] == "runWorkflowAsService"


def quick_action(home: Path, daemon: Daemon, *files: Path) -> None:
    environment = os.environ | daemon.environment | {"HOME": str(home)}
    subprocess.run(["sh", "-uc", shell_command(), "sh", *map(str, files)], env=environment, check=True)


def test_the_quick_action_copies_the_text_and_says_what_went_wrong(home: Path, daemon: Daemon, tmp_path: Path) -> None:
    text = picture(tmp_path / "a scan.png")
    with daemon.start():
        quick_action(home, daemon, tmp_path / "a scan.png")
        assert (home / "clipboard").read_text().strip() == text
        assert (home / "notification").read_text() == "The text is on the clipboard."
        quick_action(home, daemon, tmp_path / "nowhere.png")

    assert "no such file" in (home / "notification").read_text()
    assert (home / "clipboard").read_text().strip() == text


def menu(home: Path, daemon: Daemon, path: str = "/usr/bin:/bin") -> list[str]:
    environment = daemon.environment | {"HOME": str(home), "PATH": path}
    done = subprocess.run([sys.executable, str(MENU)], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def click(lines: list[str], label: str, home: Path, daemon: Daemon) -> None:
    """Run what a line of the menu runs."""
    (line,) = [line for line in lines if line.startswith(f"{label} | ")]
    program = re.findall(r'bash="([^"]*)"', line)
    words = re.findall(r'param\d="([^"]*)"', line)
    environment: dict[str, Any] = os.environ | daemon.environment | {"HOME": str(home)}
    subprocess.run([*program, *words], env=environment, check=True, stdout=subprocess.DEVNULL)


def test_the_menu_shows_state_countdown_and_texts_and_pauses_and_unloads(home: Path, daemon: Daemon) -> None:
    with daemon.start():
        (daemon.inbox / "broken.png").write_bytes(b"no picture")
        daemon.read_one("a | b.png")
        daemon.wait_quiet()
        lines = menu(home, daemon)
        text = "\n".join(lines)
        assert lines[:2] == ["◉", "---"] and re.search(r"Model: warm, \d+ MB, unloads in [45]:\d\d", text)
        assert f'a ¦ b.png | bash="/usr/bin/open" param1="{daemon.outbox / "a | b.txt"}"' in text
        assert "broken.png: not-an-image | " in text and "0 waiting, 1 done, 1 failed" in text

        click(lines, "Unload the model now", home, daemon)
        daemon.wait_status(lambda s: s["model"]["pid"] is None, "the model goes")
        click(lines, "Pause", home, daemon)
        lines = menu(home, daemon)
        assert lines[0] == "‖" and "paused: paused by command | color=red" in lines
        click(lines, "Resume", home, daemon)
        assert not daemon.status()["queue"]["paused"]
    assert menu(home, daemon)[0] == "✕"


def test_the_menu_says_where_the_command_was_looked_for(tmp_path: Path, daemon: Daemon) -> None:
    assert "was not found in" in menu(tmp_path, daemon)[2]


def test_the_menu_runs_with_apples_own_python() -> None:
    """The command line tools bring 3.9."""
    ast.parse(MENU.read_text(), feature_version=(3, 9))
    assert os.access(MENU, os.X_OK)


def formula(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", str(LAUNCHD / "formula"), *words], capture_output=True, text=True, check=False)


def test_the_formula_is_filled_for_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "dropscribe-1.tar.gz"
    archive.write_bytes(b"released")
    done = formula("https://example.org/d-1.tar.gz?a&b", str(archive), "https://example.org/d")

    assert done.returncode == 0, done.stderr
    assert '  url "https://example.org/d-1.tar.gz?a&b"\n' in done.stdout
    assert f'  sha256 "{hashlib.sha256(b"released").hexdigest()}"\n' in done.stdout
    assert not re.search(r"@[A-Z0-9]+@", done.stdout)
    desc = re.findall(r'desc "(.*)"', done.stdout)[0]
    assert len(f"dropscribe: {desc}") <= 80 and not desc.endswith(".") and not desc.lower().startswith("a ")
    if ruby := shutil.which("ruby"):
        subprocess.run([ruby, "-c"], input=done.stdout, text=True, check=True, stdout=subprocess.DEVNULL)


def test_the_formula_wants_an_archive() -> None:
    done = formula("https://example.org", "/nowhere", "https://example.org")

    assert done.returncode == 2 and done.stderr.startswith("error: formula: ")
