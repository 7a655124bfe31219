"""The property list: every key that it may have, of the type that launchd wants, and a page that says the same."""

import os
import plistlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dropscribe import config
from dropscribe.agent import launchd, plan
from dropscribe.agent.plan import Plan

README = Path(__file__).parents[2] / "launchd" / "README.md"
# What launchd.plist(5) names, as far as we use it, with the type it wants.
KNOWN: dict[str, type] = {
    "Label": str, "ProgramArguments": list, "RunAtLoad": bool, "KeepAlive": dict, "ThrottleInterval": int,
    "ExitTimeOut": int, "ProcessType": str, "MaterializeDatalessFiles": bool, "SoftResourceLimits": dict,
    "Umask": str, "WorkingDirectory": str, "StandardOutPath": str, "StandardErrorPath": str,
    "EnvironmentVariables": dict,
}  # fmt: skip


def planned(root: Path, environment: dict[str, str] | None = None, **sections: dict[str, Any]) -> Plan:
    folders = {"folders": {"state": str(root / "state")}, "log": {"folder": str(root / "log")}}
    settings = config.checked(folders | sections, "test")
    return plan.make(settings, str(root / "a & <b>.yaml"), environment or {}, "/opt/venv/bin/python")


def rendered(made: Plan) -> dict[str, Any]:
    values: dict[str, Any] = plistlib.loads(launchd.render(made))
    return values


def test_every_key_is_known_to_launchd_and_of_its_type(tmp_path: Path) -> None:
    values = rendered(planned(tmp_path))

    assert {key: type(value) for key, value in values.items()} == KNOWN
    assert all(type(word) is str for word in values["ProgramArguments"])
    assert all(type(v) is str for v in values["EnvironmentVariables"].values()), "launchd takes strings only"


def test_every_path_is_absolute_and_none_holds_a_tilde_or_a_variable(tmp_path: Path) -> None:
    values = rendered(planned(tmp_path))
    paths = [values[k] for k in ("WorkingDirectory", "StandardOutPath", "StandardErrorPath")]

    for path in [*paths, values["ProgramArguments"][0], values["ProgramArguments"][-1]]:
        assert os.path.isabs(path) and not re.search(r"[~$]", path), path


def test_nothing_of_the_template_is_left_unfilled(tmp_path: Path) -> None:
    assert b"@" in launchd.template() and b"@" not in launchd.render(planned(tmp_path))


def test_the_agent_runs_the_environments_own_python_with_the_settings_of_now(tmp_path: Path) -> None:
    words = rendered(planned(tmp_path))["ProgramArguments"]

    assert words == [
        "/opt/venv/bin/python",
        "-m",
        "dropscribe",
        "run",
        "--agent",
        "--config",
        f"{tmp_path}/a & <b>.yaml",
    ]


def test_a_link_to_a_versioned_python_is_kept_as_it_is(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)

    made = plan.make(config.checked({}, "test"), None, {}, str(link))

    assert made.python == str(link)


def test_it_is_started_again_after_a_crash_only_and_not_in_a_hurry(tmp_path: Path) -> None:
    values = rendered(planned(tmp_path))

    assert values["RunAtLoad"] is True
    assert values["KeepAlive"] == {"SuccessfulExit": False}
    assert values["ThrottleInterval"] >= 30


def test_launchd_waits_longer_than_the_page_in_hand_may_take(tmp_path: Path) -> None:
    assert rendered(planned(tmp_path, model={"shutdown_grace": "20s"}))["ExitTimeOut"] == 60
    assert rendered(planned(tmp_path, model={"shutdown_grace": "90.5s"}))["ExitTimeOut"] == 91 + 40


def test_the_gpu_is_not_clamped_and_cloud_files_can_be_read(tmp_path: Path) -> None:
    values = rendered(planned(tmp_path))

    assert values["ProcessType"] == "Interactive"
    assert values["MaterializeDatalessFiles"] is True
    assert values["SoftResourceLimits"] == {"NumberOfFiles": 4096}


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_what_it_writes_has_the_rights_of_what_the_user_writes(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        values = rendered(planned(tmp_path))
    finally:
        os.umask(old)

    assert values["Umask"] == f"{umask:03o}"


def test_where_things_are_looked_for_is_carried_over_and_secrets_are_not(tmp_path: Path) -> None:
    shell = {
        "HF_HOME": "/models",
        "XDG_STATE_HOME": "/s",
        "HF_TOKEN": "secret",
        "HTTPS_PROXY": "http://me:pw@p",
        "A": "b",
    }

    variables = rendered(planned(tmp_path, shell))["EnvironmentVariables"]

    assert variables["HF_HOME"] == "/models" and variables["XDG_STATE_HOME"] == "/s"
    assert variables["PATH"] == "/opt/venv/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    assert not {"HF_TOKEN", "HTTPS_PROXY", "A"} & variables.keys()


def test_without_a_settings_file_the_agent_looks_in_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = plan.make(config.checked({}, "test"), None, {})
    assert "--config" not in rendered(made)["ProgramArguments"]

    (tmp_path / "dropscribe").mkdir()
    (tmp_path / "dropscribe" / "config.yaml").write_text("notify: {when: always}")

    found = plan.make(config.checked({}, "test"), None, {})
    assert rendered(found)["ProgramArguments"][-2:] == ["--config", config.default_path()]


def flat(value: Any) -> str:
    """Return a template's value as the page writes it."""
    if isinstance(value, dict):
        return " ".join(f"{key} {flat(inner)}" for key, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_explains_each_key_of_the_template_and_gives_the_same_value() -> None:
    template = plistlib.loads(launchd.template())
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", README.read_text("utf-8"), re.MULTILINE)
    explained = {key: value.replace("`", "") for key, value, _ in rows}

    assert list(explained) == list(template), "the keys, in the order of the template"
    assert all(len(why) > 20 for _, _, why in rows)
    for key, value in template.items():
        if key == "EnvironmentVariables":
            assert explained[key] == ", ".join(value)
        elif "@" not in flat(value):
            assert explained[key] == flat(value), key


def test_collected_output_is_emptied_when_it_has_grown(tmp_path: Path) -> None:
    path = tmp_path / launchd.OUTPUT
    path.write_bytes(b"x" * 1000)
    assert not launchd.shorten_output(str(tmp_path)) and path.stat().st_size == 1000

    path.write_bytes(b"x" * (launchd.LARGEST_OUTPUT + 1))

    assert launchd.shorten_output(str(tmp_path)) and path.stat().st_size == 0
    assert not launchd.shorten_output(str(tmp_path / "not there"))
