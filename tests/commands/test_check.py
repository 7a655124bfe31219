"""`check` prints settings that are read as they are, and marks those that were changed."""

from pathlib import Path

import yaml

from dropscribe import config
from support.harness import Daemon


def test_what_is_not_the_default_is_marked_and_values_are_as_people_write_them(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"idle_timeout": 90, "recycle_after": "never"}, engine={"prompt": "read\nthis"})
    printed = daemon.run("check").stdout

    assert "  idle_timeout: 90s  # default: 5m\n" in printed
    assert "  recycle_after: never  # default: 24h\n" in printed
    assert "  page_timeout: 5m\n" in printed and "  formats: [txt]\n" in printed
    assert "  max_percent: 100  # default: 85\n" in printed
    assert config.checked(yaml.safe_load(printed), "test") == config.load(str(daemon.config))


def test_of_a_recipe_is_printed_what_it_sets_and_in_the_units_of_people(tmp_path: Path) -> None:
    scans = {
        "inbox": str(tmp_path / "scans"), "outbox": "beside", "intake": {"stable_for": 90, "max_file": 2 * 10**9},
        "engine": {"page_timeout": 600}, "hooks": {"done": ["send", "it"]},
    }  # fmt: skip
    other = {"inbox": str(tmp_path / "other"), "priority": "low"}
    daemon = Daemon(tmp_path, recipes={"scans": scans, "other one": other})
    printed = daemon.run("check").stdout

    assert (
        f"""\
recipes:
  other one:
    inbox: {tmp_path}/other
    priority: low
  scans:
    inbox: {tmp_path}/scans
    outbox: beside
    intake:
      max_file: 2GB
      stable_for: 90s
    engine:
      page_timeout: 10m
    hooks:
      done: [send, it]
log:
"""
        in printed
    )
    assert config.checked(yaml.safe_load(printed), "test") == config.load(str(daemon.config))
