"""Imports point one way: rooms in layers, no circle between modules, and engines keep their libraries to themselves."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "daemon" / "dropscribe"
# A room imports only from rooms in lines above its own; what stands in one line does not know each other.
LAYERS = [
    {"__init__"},
    {"core"},
    {"config"},
    {"log"},
    {"files", "memory"},
    {"control", "desktop", "documents", "formats", "intake", "journal", "layout", "sandbox"},
    {"engines"},
    {"worker"},
    {"host"},
    {"service"},
    {"agent", "web"},
    {"doctor"},
    {"commands"},
    {"cli"},
    {"__main__"},
]

FILES = sorted(PACKAGE.rglob("*.py"))


def module(path: Path) -> str:
    """Return the dotted name, below dropscribe, of the module in the file; a package's own file is the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module(path): path for path in FILES}


def room(name: str) -> str:
    """Return the room that a module belongs to: what stands directly below dropscribe."""
    return name.split(".")[0]


def names(path: Path) -> set[str]:
    """Return every dotted name that the file imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported(path: Path) -> set[str]:
    """Return the modules of dropscribe that the file imports, without the packages around them."""
    found = set()
    for name in names(path):
        below = name.removeprefix("dropscribe.")
        if below != name:
            found |= {max((m for m in MODULES if below == m or below.startswith(m + ".")), key=len, default="__init__")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_layers_above_its_own(path: Path) -> None:
    me = room(module(path))
    level = next((i for i, layer in enumerate(LAYERS) if me in layer), None)
    assert level is not None, f"{me} has no layer yet"
    above = set().union(*LAYERS[:level], {me})

    assert {room(name) for name in imported(path)} <= above


def test_no_circle_between_modules() -> None:
    """Imports for types alone and those inside functions count too."""
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}

    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", [p for p in FILES if room(module(p)) != "engines"], ids=module)
def test_only_engines_name_the_libraries_that_run_models(path: Path) -> None:
    roots = {name.split(".")[0] for name in names(path)}

    assert not roots & {"mlx", "mlx_vlm", "onnxruntime", "rapidocr", "transformers"}


def test_the_daemon_itself_imports_no_decoder_and_no_model() -> None:
    import subprocess

    code = "import sys, dropscribe.service.app, dropscribe.commands.run; print(*{m.split('.')[0] for m in sys.modules})"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    models = {"PIL", "numpy", "cv2", "onnxruntime", "rapidocr", "mlx", "pypdfium2", "pikepdf", "transformers"}
    page = {"urllib3", "starlette", "uvicorn", "jinja2", "markdown_it", "anyio", "h11"}
    assert not (models | page | {"hashlib"}) & set(names)  # the last brings OpenSSL along, 4 MB
