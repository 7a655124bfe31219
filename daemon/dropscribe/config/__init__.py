"""Settings: read once, checked whole, frozen.

Reading a file has no effect beyond the returned value: no folder is made, nothing is logged.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import yaml

from dropscribe.config import check, yaml_faults
from dropscribe.config.home import home, place
from dropscribe.config.schema import (
    FORMATS,
    Engine,
    Folders,
    Intake,
    Log,
    Memory,
    Model,
    Notify,
    Output,
    Remote,
    Settings,
    log_home,
    state_home,
)
from dropscribe.config.sections import SECTIONS, is_section, types_of
from dropscribe.config.values import written
from dropscribe.core.errors import ConfigError, Fault

__all__ = [
    "FORMATS", "Engine", "Folders", "Intake", "Log", "Memory", "Model", "Notify", "Output", "Remote", "Settings",
    "checked", "default_path", "home", "keys", "load", "log_home", "plain", "reference_text", "restart_needed",
    "restored", "state_home", "written",
]  # fmt: skip

RESTART_KEYS = ("folders", "log.folder", "log.format")  # read at start only


def default_path() -> str:
    """Return where a user's own settings file is looked for."""
    return os.path.join(place(platformdirs.user_config_dir), "config.yaml")


def reference_text() -> str:
    """Return the commented reference file, from the installed package or from the source tree."""
    package = Path(__file__).parents[1]
    inside = package / "config.yaml"
    return (inside if inside.is_file() else package.parents[1] / "config.yaml").read_text("utf-8")


def load(path: str | None) -> Settings:
    """Read and check the settings file at *path*; None, or a default path with no file, gives the defaults.

    Raises `ConfigError` with every fault at once.
    """
    if path is None:
        path = default_path()
        if not os.path.exists(path):
            return checked({}, "the built-in settings")
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8") as file:
            values = _parsed(file.read())
    except OSError as error:
        remedy = "give --config the path of a readable file"
        raise ConfigError([Fault(path, f"cannot be read ({error.strerror})", remedy)]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        remedy = "correct it; the reference config.yaml shows how each setting is written"
        raise ConfigError([Fault(name, yaml_faults.sentence(error), remedy)]) from None
    if values is None:
        remedy = "write at least one setting, or remove the file to use the defaults"
        raise ConfigError([Fault(name, "is empty", remedy)])
    if not isinstance(values, dict):
        what = f"must be a mapping of sections (got {values!r:.60})"
        raise ConfigError([Fault(name, what, "start with a section: folders:")])
    sections = {key: {} if value is None else value for key, value in values.items()}
    return checked(sections, name, os.path.dirname(os.path.abspath(path)))


def _parsed(text: str) -> object:
    """Return the values in *text*: YAML, or JSON, which is YAML unless it is indented with tabs."""
    try:
        return yaml.load(text, _Once)
    except yaml.YAMLError:
        try:
            return json.loads(text)
        except ValueError:
            pass
        raise


class _Once(yaml.SafeLoader):
    """Refuses a key that is written twice: all but the last would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is there twice", key.start_mark)
        return super().construct_mapping(node, deep)


def checked(values: dict[Any, Any], name: str, base: str = "/") -> Settings:
    """Build settings from plain *values*; *name* says in messages where they came from.

    Relative folders count from *base*. Raises `ConfigError` with every fault at once.
    """
    try:
        return check.checked(values, name, base)
    except ConfigError:
        return check.checked(values, name, base, _defaults_as_written())


def _defaults_as_written() -> dict[str, dict[str, str]]:
    """Return the defaults as the reference file writes them; read only when there is a fault to tell."""

    values = yaml.safe_load(reference_text())
    found: dict[str, dict[str, str]] = {}
    for section, key in keys():
        value = _at(values, section)[key]
        written = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
        found.setdefault(section, {})[key] = written
    return found


def _at(values: dict[str, Any], key: str) -> Any:
    """Return what lies at *key*, whose parts are joined by dots."""
    for part in key.split("."):
        values = values[part]
    return values


def plain(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain values, from which `restored` makes the same settings again."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    for key, value in values["model"].items():
        values["model"][key] = "never" if value is None else value
    return values


def restored(values: dict[str, Any]) -> Settings:
    """Return the settings that `plain` made into *values*; their folders are not looked at again."""
    return check.checked(values, "the daemon", "/", layout=False)


def keys() -> list[tuple[str, str]]:
    """Return every (section, key), in the order of the reference file; a section inside another is `engine.remote`."""
    return [pair for section in SECTIONS for pair in _keys_of(section)]


def _keys_of(section: str) -> Iterator[tuple[str, str]]:
    for key, kind in types_of(section).items():
        if is_section(kind):
            yield from _keys_of(f"{section}.{key}")
        else:
            yield section, key


def restart_needed(running: Settings, saved: Settings) -> list[str]:
    """Return the keys that differ but are read at start only."""
    now, new = plain(running), plain(saved)

    return [key for key in RESTART_KEYS if _at(now, key) != _at(new, key)]
