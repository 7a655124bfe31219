"""What doctor says of the user's commands after files."""

from pathlib import Path

from msgspec import structs

from dropscribe.config import checked
from dropscribe.core.status import FailingHook, Status
from dropscribe.doctor import hooks
from dropscribe.doctor.values import State


def test_a_hook_that_fails_is_told_where_it_is_set(tmp_path: Path) -> None:
    recipes = {name: {"inbox": str(tmp_path / name)} for name in ("scans", "shots")}
    recipes["shots"] |= {"hooks": {"done": ["true"]}}  # type: ignore[dict-item]
    settings = checked({"hooks": {"done": ["true"]}, "recipes": recipes}, "the test")
    status = Status()
    failing = FailingHook(name="a.png", state="done", command="true", exit=3, message="no route", seconds=1.0)
    status.hooks.failing = [
        failing, structs.replace(failing, recipe="scans", exit=None), structs.replace(failing, recipe="shots"),
    ]  # fmt: skip
    checks = list(hooks.all_of(settings, status))

    assert [(check.name, check.detail) for check in checks] == [
        ("hooks.done", "true for a.png ended with 3: no route"),
        ("hooks.done", "true for a.png (scans) did not begin: no route"),
        ("recipes.shots.hooks.done", "true for a.png (shots) ended with 3: no route"),
    ]
    assert all(check.state is State.WARNING and check.name in (check.remedy or "") for check in checks)


def test_a_command_that_is_not_there_is_told_before_any_file_needs_it(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    recipe = {"inbox": str(tmp_path / "in"), "hooks": {"failed": [str(tmp_path / "plain")]}}
    settings = checked({"hooks": {"done": ["not-there-at-all"]}, "recipes": {"in": recipe}}, "the test")

    assert [check.name for check in hooks.all_of(settings, None)] == ["hooks.done", "recipes.in.hooks.failed"]
    assert list(hooks.all_of(checked({"hooks": {"done": ["true"]}}, "the test"), None)) == []
