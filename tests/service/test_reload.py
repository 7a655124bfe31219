"""A saved settings file is taken over when it has settled; a bad one changes nothing and is told."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dropscribe.config import Settings, default_path, load
from dropscribe.service.reload import LOOK, SETTLE, ConfigReload


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save(tmp_path / "config.yaml", "intake: {stable_for: 3}")


stamps = iter(range(1_700_000_000, 1_800_000_000))


def save(path: Path, text: str, place: str = "") -> Path:
    """Write *text* as an editor does, with a time of its own."""
    path.write_text(place + text)
    moment = next(stamps)
    os.utime(path, (moment, moment))
    return path


class Watched:
    """A settings file looked at by a clock that is turned by hand."""

    def __init__(self, path: Path | None) -> None:
        self.running = load(str(path) if path else None)
        self.reload = ConfigReload(str(path) if path else None, self.running, 0.0)
        self.now = 0.0

    def after(self, seconds: float) -> Settings | None:
        """Let time pass, with a call at each deadline; return what was taken over."""
        end, taken = self.now + seconds, None
        while self.reload.deadline() <= end:
            assert self.reload.deadline() > self.now, "a deadline in the past would make the loop spin"
            self.now = self.reload.deadline()
            taken = self.reload.tick(self.now) or taken
        self.now = end
        return taken


SOON = LOOK + 2 * SETTLE


def test_an_untouched_file_is_never_read_again(file: Path) -> None:
    assert Watched(file).after(1000.0) is None


def test_a_saved_file_is_taken_over_once(file: Path) -> None:
    watched = Watched(file)
    save(file, "intake: {stable_for: 4}")

    taken = watched.after(SOON)

    assert taken is not None and taken.intake.stable_for == 4
    assert (watched.reload.error, watched.reload.restart_needed, watched.after(100.0)) == (None, [], None)


def test_a_file_that_is_still_being_written_is_waited_for(file: Path) -> None:
    watched = Watched(file)
    watched.after(LOOK - SETTLE / 2)
    for number in range(20):
        save(file, f"intake: {{stable_for: {number + 4}}}" + " " * number)
        assert watched.after(SETTLE * 0.9) is None

    taken = watched.after(SOON)

    assert taken is not None and taken.intake.stable_for == 23


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(file: Path, tmp_path: Path) -> None:
    watched = Watched(file)
    stamp = file.stat()
    other = save(tmp_path / "other", "intake: {stable_for: 9}")
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    os.replace(other, file)

    taken = watched.after(SOON)

    assert taken is not None and taken.intake.stable_for == 9


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "is empty"), ("intake: [", "is not valid YAML"), ("intake: {stable_for: soon}", "intake.stable_for"),
        ("x: 1\ny: 2", "config.yaml: y: unknown key"),
    ],
)  # fmt: skip
def test_a_bad_file_changes_nothing_and_is_told_until_it_is_mended(file: Path, text: str, told: str) -> None:
    watched = Watched(file)
    save(file, text)

    assert watched.after(SOON) is None
    assert watched.reload.error is not None and told in watched.reload.error

    save(file, "intake: {stable_for: 5}")
    taken = watched.after(SOON)
    assert taken is not None and taken.intake.stable_for == 5
    assert watched.reload.error is None


def test_a_file_that_was_asked_for_and_vanishes_is_told_and_may_come_back(file: Path, tmp_path: Path) -> None:
    watched = Watched(file)
    file.rename(tmp_path / "away")

    assert watched.after(SOON) is None
    assert watched.reload.error is not None and str(file) in watched.reload.error

    (tmp_path / "away").rename(file)
    taken = watched.after(SOON)
    assert taken is not None and taken.intake.stable_for == 3
    assert watched.reload.error is None


def test_a_file_that_is_away_for_a_moment_only_is_no_news(file: Path, tmp_path: Path) -> None:
    watched = Watched(file)
    watched.after(LOOK - 0.1)
    file.rename(tmp_path / "away")
    assert watched.after(0.2) is None
    (tmp_path / "away").rename(file)

    assert watched.after(SOON) is None
    assert watched.reload.error is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A user's home of its own; call it to make the folder of settings there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "cfg"))

    def made() -> Path:
        os.makedirs(os.path.dirname(default_path()), exist_ok=True)
        return Path(default_path())

    return made


def test_the_users_own_file_may_appear_and_go(home: Callable[[], Path]) -> None:
    watched = Watched(None)
    assert watched.reload.path == default_path()

    save(home(), "intake: {stable_for: 6}")
    taken = watched.after(SOON)
    assert taken is not None and taken.intake.stable_for == 6

    home().unlink()
    taken = watched.after(SOON)
    assert taken is not None and taken.intake.stable_for == 2
    assert watched.reload.error is None


def test_places_stay_until_a_restart_and_that_is_told(file: Path, tmp_path: Path) -> None:
    watched = Watched(file)
    old = watched.running
    save(
        file,
        f"intake: {{stable_for: 4}}\nfolders: {{outbox: {tmp_path}/o}}\n"
        f"log: {{folder: {tmp_path}/l, level: debug, format: json}}",
    )

    taken = watched.after(SOON)

    assert taken is not None
    assert (taken.folders, taken.log.folder, taken.log.format) == (old.folders, old.log.folder, old.log.format)
    assert (taken.intake.stable_for, taken.log.level) == (4, "debug")
    assert watched.reload.restart_needed == ["folders", "log.folder", "log.format"]

    save(file, "intake: {stable_for: 4}")
    watched.after(SOON)
    assert watched.reload.restart_needed == []
