"""What all the other tests together must have seen: every native call of our code, and every line behind a Mac's name.

`make rehearse` runs this last, over what they left in pytest's cache. The calls are listed from the source: whatever is
asked of a loaded C library, every value asked of sysctl, every fcntl, every program by its name.
"""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from rehearsal.machine import PACKAGE

OTHER_SYSTEMS = {
    "prctl",
    "renameat2",
    "malloc_trim",
    "mallopt",
    "syscall",
    "capget",
    "capset",
}  # calls of Linux, behind a question for it
LIBRARIES = {"library", "libc"}  # names under which our code holds a C library
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
Seen = Callable[[str], set[str]]


def holds_library(node: ast.expr) -> bool:
    """Say whether an expression is a loaded C library."""
    if isinstance(node, ast.Name):
        return node.id in LIBRARIES
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return name in ("system", "macos.system", "_processes", "_library") or name.endswith("CDLL")


def native_calls() -> Iterator[str]:
    """Yield each name that our code asks of a C library."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and holds_library(node.value):
                yield node.attr
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
                held, name = node.args[:2]
                yield from [str(name.value)] if holds_library(held) and isinstance(name, ast.Constant) else []


def system_values() -> Iterator[str]:
    """Yield each name that is asked of sysctl, and each command of fcntl that only a Mac has."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and re.fullmatch(r"(kern|vm|hw|sysctl|machdep)\.[\w.]+", str(node.value)):
                yield f"sysctlbyname {node.value}"
            elif isinstance(node, ast.Attribute) and node.attr in ("F_FULLFSYNC", "F_GETPATH"):
                yield f"fcntl {node.attr}"


def asks_for_mac(test: ast.expr) -> bool:
    """Say whether a condition asks for macOS, whatever else it asks for."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq)
        and ast.unparse(node.left) in ("sys.platform", "platform", "system", "self.platform")
        and ast.unparse(node.comparators[0]) == "'darwin'"
        for node in ast.walk(test)
    )


def lines_for_mac() -> Iterator[str]:
    """Yield the first line of each statement that is run on a Mac only."""
    for path, tree in TREES.items():
        name = str(path.relative_to(PACKAGE))
        whole = name in ("memory/macos.py", "intake/macos.py")
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)] if whole else []
        branches = [n for n in ast.walk(tree) if isinstance(n, ast.If) and asks_for_mac(n.test)]
        for node in (*functions, *branches):
            for statement in node.body:
                if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                    yield f"{name}:{statement.lineno}"


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest) -> Seen:
    """Return how to get what the tests before have left."""
    folder = request.config.cache.mkdir("rehearsal")

    def lines(name: str) -> set[str]:
        path = folder / name
        assert path.exists(), "nothing has been rehearsed yet: make rehearse runs all of it, in its order"
        return set(path.read_text("utf-8").splitlines())

    return lines


@pytest.mark.parametrize("name", sorted(set(native_calls()) - OTHER_SYSTEMS))
def test_every_native_function_was_called(seen: Seen, name: str) -> None:
    assert any(line.split()[0] == name for line in seen("calls.log"))


@pytest.mark.parametrize("name", sorted(set(system_values())))
def test_every_value_of_the_system_was_asked_for(seen: Seen, name: str) -> None:
    assert name in seen("calls.log")


@pytest.mark.parametrize("line", sorted(set(lines_for_mac())))
def test_every_line_for_a_mac_alone_was_run(seen: Seen, line: str) -> None:
    assert line in seen("lines.log")


@pytest.mark.parametrize("verb", ["version", "print", "print-disabled", "enable", "bootstrap", "bootout"])
def test_every_word_was_said_to_launchctl(seen: Seen, verb: str) -> None:
    assert any(line.split()[0] == verb for line in seen("launchctl.log"))


def test_the_lists_are_not_empty_for_want_of_finding_anything() -> None:
    assert {"sysctlbyname", "proc_pid_rusage", "host_statistics64", "renameatx_np", "fcopyfile"} <= set(native_calls())
    assert len(set(system_values())) >= 9
    assert len(set(lines_for_mac())) >= 30
