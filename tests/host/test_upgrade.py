"""The program is replaced under the running daemon, as an upgrade does: no file is to blame, and a restart mends it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import dropscribe
from support.fakes import picture
from support.harness import Daemon, left

PACKAGE = Path(dropscribe.__file__).parent
Upgrade = Callable[[Path], None]


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new))


def next_version(package: Path) -> None:
    change(package / "__init__.py", '__version__ = "', '__version__ = "9.')


def other_language(package: Path) -> None:
    """A version that greets and then says what this one does not know."""
    next_version(package)
    change(package / "core" / "protocol.py", "class Estimate(", "class Guess(Struct, tag=True, frozen=True):\n"
           '    """New."""\n\n    bytes: int\n\n\nclass Estimate(')  # fmt: skip
    change(package / "core" / "protocol.py", "ToDaemon = (", "ToDaemon = (\n    Guess |")
    change(package / "worker" / "main.py", "self.send(protocol.Hello())",
           "self._connection.sendall(pack(protocol.Hello()) + pack(protocol.Guess(5)))")  # fmt: skip


def other_greeting(package: Path) -> None:
    for name in ("core/protocol.py", "worker/main.py", "host/host.py", "host/connection.py"):
        change(package / name, "Hello", "Welcome")


@pytest.mark.parametrize(
    "upgrade",
    [
        next_version,
        pytest.param(other_language, marks=pytest.mark.slow),
        pytest.param(other_greeting, marks=pytest.mark.slow),
    ],
)
def test_a_worker_of_another_version_pauses_the_queue_until_the_restart(tmp_path: Path, upgrade: Upgrade) -> None:
    package = tmp_path / "daemon" / "dropscribe"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    daemon = Daemon(tmp_path / "home")
    daemon.environment["PYTHONPATH"] = str(package.parent)
    with daemon.start():
        upgrade(package)
        text = picture(daemon.inbox / "scan.png")
        paused = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue is paused")["queue"]["paused_reason"]

        assert paused.startswith("engine-unavailable: ") and "restart it" in paused
        assert left(daemon.inbox) == ["scan.png"] and left(daemon.failed) == []
        assert daemon.stop() == 0
    with daemon.start():
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text
