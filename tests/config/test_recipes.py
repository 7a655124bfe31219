"""Recipes in the settings: what they may change, what they take from the rest, and which folders may not meet."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dropscribe.config import checked, plain, recipes, reference_text, restored
from dropscribe.core.errors import ConfigError, Fault


def settings(tmp_path: Path, **named: dict[str, Any]) -> Any:
    folders = {name: str(tmp_path / name) for name in ("inbox", "outbox", "archive", "failed", "state")}
    return checked({"folders": folders, "recipes": named}, "x", str(tmp_path))


def faults(tmp_path: Path, **named: Any) -> list[Fault]:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, **named)
    return caught.value.faults


def test_what_a_recipe_leaves_out_is_as_without_it(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        scans={"inbox": "scans", "priority": "low", "output": {"formats": ["pdf"]}, "engine": {"prompt": "text"}},
    )
    recipe = recipes.named(found)["scans"]

    assert recipe.priority > recipes.base(found).priority
    assert recipe.settings.folders.inbox == str(tmp_path / "scans")
    assert recipe.settings.folders.outbox == found.folders.outbox
    assert recipe.settings.output.formats == ("pdf",) and recipe.settings.output.originals == "archive"
    assert recipe.settings.engine.prompt == "text" and recipe.settings.engine.mode == "gundam"
    assert recipes.base(found).settings.output.formats == ("txt",)


def test_beside_keeps_the_originals(tmp_path: Path) -> None:
    recipe = recipes.named(settings(tmp_path, shots={"inbox": "shots", "outbox": "beside"}))["shots"]

    assert recipe.is_beside and recipe.settings.output.originals == "keep"


def test_plain_values_make_the_same_settings_again(tmp_path: Path) -> None:
    found = settings(tmp_path, scans={"inbox": "scans", "intake": {"stable_for": "10s"}, "hooks": {"done": ["true"]}})

    assert restored(plain(found)) == found


@pytest.mark.parametrize(
    ("recipe", "where", "what"),
    [
        ({}, "", "must have an inbox"),
        (None, "", "must have an inbox"),
        ({"inbox": 5}, ".inbox", "must be a folder"),
        ({"inbox": "a", "priority": "urgent"}, ".priority", "must be one of low, normal or high"),
        ({"inbox": "a", "inbux": "b"}, ".inbux", "unknown key"),
        ({"inbox": "a", "engine": {"name": "rapidocr"}}, ".engine.name", "cannot differ in a recipe"),
        ({"inbox": "a", "engine": {"promt": "x"}}, ".engine.promt", "unknown key"),
        ({"inbox": "a", "output": {"formats": ["doc"]}}, ".output.formats", "must be one of"),
        ({"inbox": "a", "output": {"reuse": True}}, ".output.reuse", "is called otherwise now"),
        ({"inbox": "a", "hooks": {"done": "echo hi"}}, ".hooks.done", "must be a list of words"),
        ({"inbox": "a", "intake": []}, ".intake", "must be a section"),
        ({"inbox": "a", "outbox": "besides"}, ".outbox", "is neither beside nor clearly a folder"),
        ({"inbox": "a", "outbox": "Besid"}, ".outbox", "is neither beside nor clearly a folder"),
        ({"inbox": "a", "outbox": "beside", "output": {"originals": "delete"}}, ".output.originals", "must be keep"),
    ],
)
def test_a_fault_in_a_recipe_is_told_where_it_is(tmp_path: Path, recipe: Any, where: str, what: str) -> None:
    (fault,) = faults(tmp_path, scans=recipe)

    assert fault.where == f"x: recipes.scans{where}" and what in fault.what and fault.remedy


@pytest.mark.parametrize("name", ["", "a/b", "../x", "_", 5, "x" * 80, "a\nb"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        checked({"recipes": {name: {"inbox": str(tmp_path / "a")}}}, "x")

    assert "must be a name" in caught.value.faults[0].what


def test_every_overlap_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    told = faults(
        tmp_path,
        one={"inbox": "one"},
        two={"inbox": "one/below"},
        three={"inbox": "link"},
        four={"inbox": "four", "outbox": "one/out", "archive": "failed"},
        five={"inbox": "five", "outbox": "outbox"},
    )

    assert {(fault.where, fault.remedy) for fault in told} == {
        ("x: recipes.two.inbox", "choose a folder outside recipes.one.inbox"),
        ("x: recipes.three.inbox", "choose a folder outside folders.inbox"),
        ("x: recipes.four.outbox", "choose a folder outside recipes.one.inbox"),
        ("x: recipes.four.archive", "choose a folder outside folders.failed"),
    }


def test_a_folder_that_is_called_like_beside_is_written_with_a_dot(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, scans={"inbox": "a", "outbox": "besides"})
    assert fault.remedy == 'did you mean "beside"? A folder of that name is written ./besides'

    found = settings(tmp_path, scans={"inbox": "a", "outbox": "./besides"}, others={"inbox": "b", "outbox": "texts"})
    assert recipes.named(found)["scans"].settings.folders.outbox == str(tmp_path / "besides")


def test_overlaps_are_told_together_with_faults_of_other_kinds(tmp_path: Path) -> None:
    told = faults(
        tmp_path,
        one={"inbox": "inbox/below", "priority": "urgent"},
        two={"inbox": 5, "outbox": "inbox/out"},
        three={"inbox": "three", "outbox": "inbox/texts", "oops": 1},
    )

    assert sorted(fault.where for fault in told) == [
        "x: recipes.one.inbox", "x: recipes.one.priority", "x: recipes.three.oops", "x: recipes.three.outbox",
        "x: recipes.two.inbox",
    ]  # fmt: skip


def test_a_folder_that_is_not_known_overlaps_with_nothing(tmp_path: Path) -> None:
    own = {"inbox": os.path.expanduser("~/Dropscribe/inbox"), "outbox": str(tmp_path / "out")}
    for folders, where in (({"inbox": 5}, "folders.inbox"), ({"inbux": "in"}, "folders.inbux"), (5, "folders")):
        with pytest.raises(ConfigError) as caught:
            checked({"folders": folders, "recipes": {"one": own}}, "x", str(tmp_path))
        assert [fault.where for fault in caught.value.faults] == [f"x: {where}"]


def test_the_examples_of_the_reference_file_are_sound(tmp_path: Path) -> None:
    text = reference_text()
    example = re.search(r"#   scanner:.*?(?=^recipes: \{\})", text, re.DOTALL | re.MULTILINE)
    assert example is not None
    values = yaml.safe_load("\n".join(line.removeprefix("#") for line in example[0].splitlines()))

    assert list(recipes.named(checked({"recipes": values}, "x"))) == ["scanner", "screenshots", "receipts"]
