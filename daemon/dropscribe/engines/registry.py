"""Which engine reads: chosen by name, platform and settings. Imports an engine only when it is created."""

import platform
import shutil
import sys

from dropscribe.config import Settings
from dropscribe.engines.base import Engine, Judge, Signals, unjudged
from dropscribe.memory import policy, readings

LEAN = "lean on this memory: cache of 256 MB, one page at a time, no cross-check; rapidocr would be lighter"


def choose(name: str) -> tuple[str, str]:
    """Return the engine to use for the setting *name*, and why."""
    found, why = name, "chosen in config.yaml"
    if name == "auto":
        found, why = _by_machine()
    if found == "deepseek-ocr" and policy.is_lean(sys.platform, readings.available().total_bytes):
        why = f"{why}; {LEAN}"
    return found, why


def _by_machine() -> tuple[str, str]:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "deepseek-ocr", "auto: Apple Silicon"
    return "rapidocr", f"auto: {platform.system()} on {platform.machine()} has no Apple GPU"


def other_scripts(name: str) -> str:
    """Return which program reads the scripts that the engine called *name* lacks letters for; "" where it lacks none.

    It is looked for every time: installing it needs no restart of the daemon, only of the worker.
    """
    if name != "rapidocr":
        return ""
    program = shutil.which("tesseract")
    return f"other scripts by {program}" if program else "no tesseract for other scripts than Latin, Chinese, Japanese"


def peak_key(name: str, settings: Settings) -> str:
    """Return the name under which memory peaks of an engine and its model are recorded."""
    if name in ("rapidocr", "remote"):
        return name + " with cross-check" * cross_checks(name, settings)
    return f"{name} {settings.engine.model}" + " with cross-check" * cross_checks(name, settings)


def create(name: str, settings: Settings, signals: Signals) -> Engine:
    """Return the engine called *name*, cold."""
    if name == "rapidocr":
        from dropscribe.engines.ppocr.engine import RapidOcr

        return RapidOcr(settings, signals)
    if not cross_checks(name, settings):
        return _prompted(name, settings, signals, unjudged)
    from dropscribe.engines.crosscheck.beside import Beside

    return Beside(settings, signals, lambda judge: _prompted(name, settings, signals, judge))


def _prompted(name: str, settings: Settings, signals: Signals, judge: Judge) -> Engine:
    """Return the engine called *name*, which reads by prompt and asks *judge* of each good answer."""
    if name == "remote":
        from dropscribe.engines.remote.engine import Remote

        return Remote(settings, signals, judge)
    from dropscribe.engines.deepseek.engine import DeepSeekOcr

    return DeepSeekOcr(settings, signals, judge=judge)


def cross_checks(name: str, settings: Settings) -> bool:
    """Say whether a second reader reads beside the engine called *name*: beside any but the embedded one itself."""
    lean = policy.is_lean(sys.platform, readings.available().total_bytes)
    wanted = [settings.engine.cross_check, *(each.engine.get("cross_check") for each in settings.recipes.values())]
    return name != "rapidocr" and "auto" in wanted and not lean


def finish_thread() -> None:
    """Do what must be the last act of a thread that ran an engine (MLX: clear its streams, or the exit aborts)."""
    if "dropscribe.engines.deepseek.release" in sys.modules:
        from dropscribe.engines.deepseek import release

        release.finish_thread()
