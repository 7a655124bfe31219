"""Settings are read once and checked whole: every fault is told at once, nothing is guessed, nothing is clamped."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dropscribe.config import Settings, checked, keys, load, reference_text
from dropscribe.config.sections import types_of
from dropscribe.core.errors import ConfigError, Fault
from support.config_faults import fault, faults

ROOT = Path(__file__).parents[2]
KEYS = keys()
SECTIONS = {section for section, _ in KEYS}

Save = Callable[[str], str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(text: str) -> str:
        (tmp_path / "config.yaml").write_text(text, "utf-8")
        return str(tmp_path / "config.yaml")

    return write


# -- the reference file


def test_the_reference_file_gives_the_built_in_defaults() -> None:
    assert load(str(ROOT / "config.yaml")) == Settings()
    assert reference_text() == (ROOT / "config.yaml").read_text("utf-8")


def test_the_reference_file_names_every_key_and_no_other() -> None:
    def leaves(values: dict[str, Any], section: str = "") -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for key, value in values.items():
            inner = f"{section}.{key}".lstrip(".")
            found += leaves(value, inner) if inner in SECTIONS else [(section, key)]
        return found

    values = yaml.safe_load(reference_text())

    assert values.pop("recipes") == {}
    assert leaves(values) == KEYS


def place(lines: list[str], section: str, key: str) -> tuple[int, str]:
    """Return the number of the line that sets a key, and how far it is indented."""
    at, indent = -1, ""
    for part in (*section.split("."), key):
        at = next(n for n, line in enumerate(lines) if n > at and line.startswith(f"{indent}{part}:"))
        indent += "  "
    return at, indent.removesuffix("  ")


@pytest.mark.parametrize("section, key", KEYS)
def test_every_key_is_explained_above_it_or_with_the_keys_right_above(section: str, key: str) -> None:
    lines = reference_text().splitlines()
    at, indent = place(lines, section, key)
    above = at - 1
    while re.match(rf"{indent}\w", lines[above]):
        above -= 1

    assert lines[above].startswith(f"{indent}# "), f"{section}.{key} has no comment"


@pytest.mark.parametrize(
    "section, key",
    [(s, k) for s, k in KEYS if "Literal" in str(types_of(s)[k])],
)
def test_every_word_that_may_be_chosen_is_in_the_reference_file(section: str, key: str) -> None:
    given: Any = {key: ["no such word"] if key == "formats" else "no such word"}
    for part in reversed(section.split(".")):
        given = {part: given}
    message = faults(given)[0].what
    words = re.findall(r"[\w-]+", message.removeprefix("must be one of ").split(" (got")[0])
    lines = reference_text().splitlines()
    at, indent = place(lines, section, key)
    comments = at
    while lines[comments - 1].startswith(f"{indent}#"):
        comments -= 1
    text = " ".join(lines[comments : at + 1])

    assert [word for word in words if word != "or" and not re.search(rf"\b{word}\b", text)] == []


def test_an_installed_default_needs_no_file() -> None:
    assert checked({}, "x") == Settings()


# -- reading the file


@pytest.mark.parametrize(
    "text", ["intake:\n  stable_for: 3s\n", '{"intake": {"stable_for": 3}}', "\ufeffintake: {stable_for: 3.0}\r\n"]
)
def test_yaml_and_json_are_read_alike(save: Save, text: str) -> None:
    assert load(save(text)) == checked({"intake": {"stable_for": 3}}, "x")


def test_json_indented_with_tabs_is_read(save: Save) -> None:
    assert load(save(json.dumps({"intake": {"stable_for": 3}}, indent="\t"))).intake.stable_for == 3


@pytest.mark.parametrize("text", ["intake:\n", "intake: null\n", "intake: {}\n", "{}", "intake: {}\noutput:\n"])
def test_an_empty_section_means_its_defaults(save: Save, text: str) -> None:
    assert load(save(text)) == Settings()


@pytest.mark.parametrize(
    "text, what",
    [
        ("", "is empty"), ("# only a comment\n", "is empty"), ("null", "is empty"), ("- inbox\n", "must be a mapping"),
        ("5", "must be a mapping"), ("just words", "must be a mapping"), ("intake: [", "is not valid YAML"),
        ("a: b: c", "is not valid YAML"), ("\0", "is not valid YAML"),
        ("intake: !!python/name:os.system {}", "is not valid"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_settings_says_so_in_one_line(save: Save, text: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(save(text))

    (only,) = caught.value.faults
    assert only.where == "config.yaml" and only.what.startswith(what) and only.remedy
    assert "\n" not in only.what


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("intake:\n  ignore: [a,\n", "line 3: a bracket or quotation mark above is not closed before the end"),
        ("log: {level: info\n", "line 1: what is opened there is not closed before the end of the file"),
        ("log:\n  folder: 'x\n", "line 2: what is opened there is not closed before the end of the file"),
        ("log:\n\tlevel: info\n", "line 2: it begins with a tab; indent with blanks"),
        ("log:\n  folder: a: b\n", "line 2: a colon where none may be"),
        ("log: {}\nengine\n", "line 2: a colon is missing behind the name of the setting"),
        ("- a\nlog:\n", "line 2: it does not fit the lines above it"),
        ("intake: {ignore: [*.tmp]}\n", "line 1: a text that begins with * or & must be in quotes"),
        ("log:\n  folder: !x y\n", "line 2: a text that begins with ! must be in quotes"),
        ("log: {}\nlog: {}\n", "line 2: log is there twice"),
        ("log: \0\n", "it has a character that is no text (#x00)"),
        ("[" * 5000, "it is nested too deep"),
    ],
)
def test_what_is_no_yaml_is_told_in_a_sentence_with_its_line(save: Save, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(save(text))

    (only,) = caught.value.faults
    assert only.what.startswith(f"is not valid YAML: {told}")
    assert not any(mark in only.what for mark in ("stream", "unicode", "flow", "^", "column"))


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"intake: \xff\xfe\n")

    with pytest.raises(ConfigError, match="is not valid YAML"):
        load(str(tmp_path / "config.yaml"))


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_told_with_its_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path / name))

    assert caught.value.where == str(tmp_path / name)
    assert caught.value.what.startswith("cannot be read (")


@pytest.mark.parametrize("text", ["engine: {revision: 2024-13-01}", "engine: {revision: " + "1" * 5000 + "}"])
def test_a_value_that_yaml_itself_cannot_make_is_a_fault_and_no_traceback(save: Save, text: str) -> None:
    with pytest.raises(ConfigError):
        load(save(text))


def test_without_a_path_the_own_file_is_read_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    from dropscribe.config import default_path

    assert load(None).intake.stable_for == 2
    os.makedirs(os.path.dirname(default_path()))
    Path(default_path()).write_text("intake: {stable_for: 7}")
    assert load(None).intake.stable_for == 7


def test_reading_settings_makes_no_folder(tmp_path: Path, save: Save) -> None:
    load(
        save(
            f"folders: {{inbox: {tmp_path}/in, outbox: {tmp_path}/out, state: {tmp_path}/st}}\n"
            f"log: {{folder: {tmp_path}/l}}"
        )
    )

    assert os.listdir(tmp_path) == ["config.yaml"]


@pytest.mark.parametrize("word, meant", [("on", True), ("off", False), ("yes", True), ("no", False), ("true", True)])
def test_switches_are_words_bare_or_quoted(save: Save, word: str, meant: bool) -> None:
    for text in (word, f'"{word}"'):
        assert load(save(f"output: {{cache: {text}}}")).output.cache is meant


@pytest.mark.parametrize("word, meant", [("on", "auto"), ("off", "off"), ("auto", "auto")])
def test_words_that_yaml_turns_into_switches_get_their_meaning_back(save: Save, word: str, meant: str) -> None:
    assert load(save(f"intake: {{orientation: {word}}}")).intake.orientation == meant


# -- unknown keys, and all faults at once


@pytest.mark.parametrize(
    "values, where, near",
    [
        ({"folders": {"inbx": "x"}}, "folders.inbx", "inbox"), ({"folder": {}}, "folder", "folders"),
        ({"intake": {"stable_fro": 1}}, "intake.stable_fro", "stable_for"),
        ({"engine": {"max_token": 1}}, "engine.max_token", "max_tokens"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest(values: dict[str, Any], where: str, near: str) -> None:
    assert fault(values) == Fault(f"config.yaml: {where}", "unknown key", f'did you mean "{near}"?')


def test_a_key_like_no_other_is_refused_with_the_list() -> None:
    assert fault({"notify": {"zzz": 1}}).remedy == "known keys: when"
    assert fault({"zzz": 1}).remedy.startswith("known keys: engine, folders, ")


def test_every_fault_is_told_at_once() -> None:
    found = faults(
        {
            "intake": {"stable_for": "soon", "wach": 1},
            "engine": {"attempts": 99},
            "x": 1,
            "output": {"formats": ["txt", "doc"]},
        }
    )

    assert {f.where.removeprefix("config.yaml: ") for f in found} == {
        "intake.stable_for", "intake.wach", "engine.attempts", "x", "output.formats",
    }  # fmt: skip
    assert all(f.remedy for f in found)


def test_a_bad_layout_is_told_together_with_other_faults(tmp_path: Path) -> None:
    found = faults({"folders": {"inbox": str(tmp_path), "outbox": str(tmp_path / "out")}, "engine": {"attempts": 99}})

    assert {f.where for f in found} == {"config.yaml: folders.outbox", "config.yaml: engine.attempts"}


@pytest.mark.parametrize("values, where", [({1: {}}, "1"), ({"model": {"int": 3}}, "model.int")])
def test_an_odd_key_is_named(values: dict[Any, Any], where: str) -> None:
    assert fault(values).where == f"config.yaml: {where}"
