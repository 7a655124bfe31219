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
    assert config.checked(yaml.safe_load(printed), "test") == config.load(str(daemon.config))
