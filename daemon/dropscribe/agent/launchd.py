"""The property list: the template in `launchd/`, filled from a plan. It starts nothing.

Keys and reasons: `launchd/README.md`. Values are put into the parsed list, never into its text, so no path breaks it.
"""

import os
import plistlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from dropscribe.agent.plan import Plan

LABEL = "local.dropscribe"
TEMPLATE = "dropscribe.plist.template"
OUTPUT = "agent.log"  # what the process prints; the daemon's own log is another file
LARGEST_OUTPUT = 10**6  # bytes; launchd never rotates


def template() -> bytes:
    """Return the template, from the installed package or from the source tree."""
    inside = files("dropscribe") / "launchd" / TEMPLATE
    if inside.is_file():
        return inside.read_bytes()
    return (Path(__file__).parents[3] / "launchd" / TEMPLATE).read_bytes()


def values(plan: Plan) -> dict[str, Any]:
    """Return the property list for *plan* as Python values."""
    words = {
        "@PYTHON@": plan.python,
        "@EXIT_TIMEOUT@": plan.stop_seconds,
        "@STATE@": plan.state,
        "@OUTPUT@": os.path.join(plan.logs, OUTPUT),
        "@UMASK@": f"{plan.umask:03o}",
        "@PATH@": plan.environment["PATH"],
    }
    filled: dict[str, Any] = _fill(plistlib.loads(template()), words)
    filled["ProgramArguments"] = [
        *(word for word in filled["ProgramArguments"] if word != "@CONFIG@"),
        *(["--config", plan.config] if plan.config else []),
    ]
    filled["EnvironmentVariables"] |= plan.environment
    return filled


def _fill(value: Any, words: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, words) for inner in value]
    return words.get(value, value) if isinstance(value, str) else value


def render(plan: Plan) -> bytes:
    """Return the property list for *plan* as a file's bytes."""
    return plistlib.dumps(values(plan), sort_keys=False)


def read(path: str) -> dict[str, Any] | None:
    """Return the property list that is installed at *path*, or None when there is none that can be read."""
    try:
        with open(path, "rb") as file:
            found = plistlib.load(file)
    except (OSError, ValueError, plistlib.InvalidFileException):
        return None
    return found if isinstance(found, dict) else None


def shorten_output(folder: str) -> bool:
    """Empty the file of the process's output in *folder* when it is large; return whether it was."""
    path = os.path.join(folder, OUTPUT)
    try:
        if os.stat(path).st_size <= LARGEST_OUTPUT:
            return False
        os.truncate(path, 0)
    except OSError:  # missing, or not ours: `doctor` reports sizes
        return False
    return True
