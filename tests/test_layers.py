"""Arrows point one way, and engines keep their libraries to themselves."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "daemon" / "dropscribe"
VALUES = {"__init__", "errors", "job", "pages", "wire"}
SETTINGS = {"config", "log", "memory", "durable", "naming", "sniff"}
STAGES = {
    "intake", "journal", "lock", "outbox", "documents", "engines", "formats", "pagestore", "disk",
    "control", "notices", "power",
}  # fmt: skip
AWAY = {"originals", "leftovers", "whereabouts"}
WORKER = {"reading"}
OWNERS = {"worker", "host"}
JOIN = {"service"}
CITIZEN = {"agent"}
CHECKS = {"doctor"}
LAYERS = [
    VALUES, SETTINGS, STAGES, AWAY, WORKER, OWNERS, JOIN, CITIZEN, CHECKS, {"shell"}, {"commands"}, {"cli"},
    {"__main__"},
]  # fmt: skip
# (imported, importer) inside one layer
WITHIN = {
    ("errors", "job"), ("errors", "pages"), ("errors", "wire"), ("config", "memory"), ("log", "memory"),
    ("config", "log"), ("engines", "pagestore"), ("lock", "control"),
}  # fmt: skip

FILES = sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    """Return the name of the module or package, directly below dropscribe, that the file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the names directly below dropscribe that the file imports, at any depth of its code."""
    known = {place(file) for file in FILES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("dropscribe.")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dropscribe":
            rest = (node.module or "").split(".")[1:]
            found |= {rest[0]} if rest else {alias.name for alias in node.names}
    return found & known


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_layers_above_its_own(path: Path) -> None:
    me = place(path)
    level = next((i for i, layer in enumerate(LAYERS) if me in layer), None)
    assert level is not None, f"{me} has no layer yet"
    above = set().union(*LAYERS[:level], {me}) | {a for a, b in WITHIN if b == me}

    assert imported(path) <= above


@pytest.mark.parametrize("path", [p for p in FILES if place(p) != "engines"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_engines_name_the_libraries_that_run_models(path: Path) -> None:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])

    assert not roots & {"mlx", "mlx_vlm", "onnxruntime", "rapidocr", "transformers"}


def test_the_daemon_itself_imports_no_decoder_and_no_model() -> None:
    import subprocess
    import sys

    code = "import sys, dropscribe.service, dropscribe.commands.run; print(*{m.split('.')[0] for m in sys.modules})"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"PIL", "numpy", "cv2", "onnxruntime", "rapidocr", "mlx", "pypdfium2", "pikepdf", "transformers"} & set(
        names
    )
