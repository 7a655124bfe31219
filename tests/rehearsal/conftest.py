"""Fixtures of the rehearsal: the stubs are compiled once, each test has a Mac of its own, and all are witnesses.

At its end every Mac is asked what must never happen: a read of /proc by our code, a read of an evicted file, an error
of programming in a file that speaks of macOS, a check of the doctor that fell over.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal.machine import HERE, Mac

LAST = "test_everything.py"  # asks what all the others together have seen
SUMMED_UP = ("calls.log", "launchctl.log", "lines.log")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and put the summing up behind everything it sums up."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.rehearsal)
        item.add_marker(pytest.mark.timeout(300))
    items.sort(key=lambda item: item.path.name == LAST and item in here)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return how to get one of the stubs, compiled."""
    if sys.platform != "linux":
        pytest.skip("the stand-ins are made for Linux; a real Mac needs no rehearsal")
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "the rehearsal needs a C compiler: apt-get install gcc libc6-dev"
    folder = tmp_path_factory.mktemp("lib")

    def build(name: str) -> Path:
        library = folder / f"{name}.so"
        if not library.exists():
            flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
            subprocess.run([compiler, *flags, "-o", library, HERE / f"{name}.c", "-ldl"], check=True)
        return library

    return build


def keep(mac: Mac, folder: Path) -> None:
    """Add what a Mac has seen to what is summed up at the end, whatever process runs that."""
    for name in SUMMED_UP:
        with open(folder / name, "a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in dict.fromkeys(mac.lines(name))))


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a new folder with a short real path: a socket's path is short on a Mac."""
    with tempfile.TemporaryDirectory(prefix="mac", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def make(root: Path, compiled: Callable[[str], Path], request: pytest.FixtureRequest) -> Iterator[Callable[..., Mac]]:
    """Return how to make a Mac; at the end of the test each is ended and questioned."""
    made: list[Mac] = []

    def build(*more: str, **options: Path) -> Mac:
        mac = Mac(root, [compiled("libmac"), *map(compiled, more)], **options)
        made.append(mac)
        return mac

    yield build
    for mac in made:
        mac.close()
        keep(mac, request.config.cache.mkdir("rehearsal"))
    for mac in made:
        assert mac.lines("violations.log") == []
        assert mac.lines("mistakes.log") == []
        assert "Traceback" not in mac.log()


@pytest.fixture
def mac(make: Callable[..., Mac]) -> Mac:
    """Return a Mac with the settings of the rehearsal: embedded engine, quick to settle."""
    machine = make()
    machine.settings()
    return machine
