"""daemon/CONTRACT.md says what is true: its settings, commands, reasons and status keys are those of the code."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import yaml

from dropscribe import cli, config
from dropscribe.config.schema import FORMER_KEYS, FORMER_VALUES
from dropscribe.core.errors import Reason
from dropscribe.core.status import FailingHook, LastHook, LeftAloneStatus, RecipeStatus, RemoteStatus
from dropscribe.doctor.values import State
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.states import ModelState
from dropscribe.intake.settling import Waiting
from support.fakes import picture
from support.harness import Daemon

KEYS = config.keys()
ELSEWHERE = (
    "model.load",
    "remote[]",
    "hooks.last",
    "hooks.failing[]",
    "left_alone[]",
    "recipes[]",
)  # parts of a status, see below
TEXT = (Path(__file__).parents[1] / "daemon" / "CONTRACT.md").read_text("utf-8")


def section(title: str) -> str:
    """Return the text below the heading *title*."""
    return re.split(r"^## ", TEXT.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def block(title: str) -> list[str]:
    """Return the lines of the first code block below the heading *title*."""
    return section(title).split("```\n")[1].splitlines()


def words(after: str) -> set[str]:
    """Return the words in backticks that directly follow *after*."""
    return set(TEXT.split(f"{after}: `")[1].split("`")[0].split())


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table below the heading *title*, without backticks."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_settings_and_their_defaults() -> None:
    written = {key: default for key, default, _ in rows("Settings")}
    assert written.pop("recipes.NAME") == "{}"
    values: dict[str, dict[str, Any]] = {}
    for key, default in written.items():
        *sections, name = key.split(".")
        inner = values
        for part in sections:
            inner = inner.setdefault(part, {})
        inner[name] = yaml.safe_load(default)

    assert list(written) == [".".join(key) for key in KEYS]
    assert config.checked(values, "CONTRACT.md") == config.Settings()


def test_former_names() -> None:
    told = dict(re.findall(r"`(\w+\.\w+)` is\s+`(\w+)`", section("Settings")))
    of_conflict = dict(re.findall(r"`(\w+)` is `(\w+)`", section("Settings").split("of `output.conflict`")[1]))

    assert told == FORMER_KEYS
    assert {("output.conflict", old): new for old, new in of_conflict.items()} == FORMER_VALUES


def test_commands_and_their_options() -> None:
    (commands,) = (a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction))
    written = {line.split()[0]: line for line in block("Commands")}

    assert set(written) == set(commands.choices)
    for name, parser in commands.choices.items():
        known = {option for action in parser._actions for option in action.option_strings}
        assert set(re.findall(r"--?[a-z][a-z-]*", written[name])) == known - {"-h", "--help", "--config"}
        choices = {str(choice) for action in parser._actions for choice in action.choices or ()}
        assert all(choice in written[name] for choice in choices), (name, choices)


def test_reasons_by_kind() -> None:
    written = {kind: set(reasons.split()) for kind, reasons, _ in rows("Reasons")}
    found: dict[str, set[str]] = {}
    for reason in Reason:
        found.setdefault(str(reason.kind), set()).add(str(reason))

    assert written == found


def test_words_for_states() -> None:
    assert words("`model.state`") == set(ModelState)
    assert words("`intake[].waiting_for`") == set(Waiting)
    assert set(TEXT.split("with the states `")[1].split("`")[0].split()) == set(State)
    assert all(suffix in section("Output files") for suffix in SUFFIXES.values())


def written_status() -> dict[str, set[str]]:
    """Return the keys of each object that the contract lists, by its path."""
    return {line.split()[0]: set(line.split()[1:]) for line in block("`status --json`")}


def found_status(value: Any, path: str = "") -> dict[str, set[str]]:
    """Return the keys of each object in *value*, a status, by its path."""
    found: dict[str, set[str]] = {}
    if isinstance(value, list):
        for item in value:
            found |= found_status(item, path + "[]")
    elif isinstance(value, dict):
        found = {path: set(value)} if path else {}
        for key, inner in value.items():
            found |= found_status(inner, f"{path}.{key}".lstrip("."))
    return found


def test_status_has_these_keys_and_no_others(tmp_path: Path) -> None:
    """Asked while a file is read and another is incomplete, after an unload, and of a daemon that has stopped."""
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "10m"}, model={"shutdown_grace": 0})
    daemon.fake(mlx=True)
    with daemon.start():
        picture(daemon.inbox / "first.png")
        daemon.wait_status(lambda s: s["queue"]["done"] == 1, "the first file is read")
        daemon.run("unload")
        daemon.wait_status(lambda s: s["model"]["last_unload"], "the model is unloaded")
        (daemon.inbox / "incomplete.png").write_bytes(b"")
        picture(daemon.inbox / "slow.png", deed="slow")
        reading = daemon.wait_status(lambda s: s["current"] and s["intake"] and s["model"]["mlx"], "a file is read")
    stopped = json.loads(daemon.run("status", "--json").stdout)

    found = found_status(reading)
    assert found | {part: written_status()[part] for part in ELSEWHERE} == written_status()
    assert written_status()["remote[]"] == set(RemoteStatus.__struct_fields__)
    assert written_status()["left_alone[]"] == set(LeftAloneStatus.__struct_fields__)
    assert written_status()["recipes[]"] == set(RecipeStatus.__struct_fields__)
    assert written_status()["hooks.failing[]"] == set(FailingHook.__struct_fields__)
    assert written_status()["hooks.last"] == set(LastHook.__struct_fields__)
    assert set(reading) == set(stopped) == {path.split(".")[0].removesuffix("[]") for path in written_status()}
    assert all(written_status()[path] == keys for path, keys in found_status(stopped).items())
