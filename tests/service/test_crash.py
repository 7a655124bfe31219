"""kill -9 at every step: after a restart each file has exactly one complete set of outputs and one original.

A step is each call of, and each return from, a function that changes something on disk (see `fake_daemon.py`), so the
daemon dies before and after every transaction, rename, copy and sync on the way of a file.
"""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from support.fakes import fingerprint, picture
from support.harness import Daemon, left

EVERY = int(os.environ.get("DROPSCRIBE_CRASH_EVERY", "23"))  # `make slow` sets 5; 1 is every step
LAST = 600  # no way of a file has as many steps; a daemon that lives to the end proves it


def check_everything_is_there_once(daemon: Daemon, originals: dict[str, str]) -> None:
    """Compare the folders with *originals*: names in the inbox and the text each must have led to."""
    texts = [(daemon.outbox / name).read_text().strip() for name in left(daemon.outbox) if name.endswith(".txt")]
    marks = [name for name in left(daemon.outbox) if name.endswith(".md")]
    good = {name: text for name, text in originals.items() if text}
    assert sorted(texts) == sorted(good.values())
    assert len(marks) == len(texts)
    bad = [name for name, text in originals.items() if not text]
    notes = [f"{name}.error.txt" for name in bad]
    assert left(daemon.failed) == sorted(bad + notes)
    assert left(daemon.inbox) == []


def run_to_the_end(daemon: Daemon) -> None:
    assert daemon.run("run", "--once").returncode in (0, 1)
    for _ in range(20 if daemon.settings["intake"]["recheck_for"] else 0):
        if not list(daemon.inbox.rglob(".dropscribe-*")):
            break
        assert daemon.run("run", "--once").returncode == 0  # what may not be deleted yet waits for a later start
    hidden = [str(p) for p in daemon.root.rglob(".dropscribe*")]
    assert hidden == []


def crash(daemon: Daemon, step: int, *arguments: str) -> bool:
    """Run the daemon until it is killed at *step*; return whether it was."""
    log = daemon.root / "killed-at"
    result = daemon.run(*arguments, DROPSCRIBE_KILL_AT=str(step), DROPSCRIBE_KILL_LOG=str(log), deadline=60)
    return result.returncode == -9


def drop(daemon: Daemon) -> dict[str, str]:
    (daemon.inbox / "bad.png").parent.mkdir(parents=True, exist_ok=True)
    (daemon.inbox / "bad.png").write_bytes(b"no picture at all")
    return {
        "bad.png": "",
        "good.png": picture(daemon.inbox / "good.png", 1),
        "sub/good.png": picture(daemon.inbox / "sub/good.png", 2),
    }


def settings(mode: str) -> dict[str, dict[str, object]]:
    return {
        "output": {"formats": ["txt", "md"], "originals": mode, "cache": False},
        "intake": {"incomplete_timeout": "100ms", "stable_for": "100ms", "recheck_for": 0.3 if mode == "delete" else 0},
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["archive", "delete"])
@pytest.mark.parametrize("offset", range(4))
def test_killed_at_any_step_every_file_is_read_once_and_lies_in_one_place(
    tmp_path: Path, mode: str, offset: int
) -> None:
    for step in range(1 + offset * EVERY, LAST, 4 * EVERY):
        daemon = Daemon(tmp_path / str(step), **settings(mode))
        originals = drop(daemon)
        killed = crash(daemon, step, "run", "--once")
        run_to_the_end(daemon)
        check_everything_is_there_once(daemon, originals)
        archived = [name for name, text in originals.items() if text] if mode == "archive" else []
        assert left(daemon.archive) == sorted(archived)
        if not killed:
            return
    raise AssertionError("the way of three files has more steps than this test knows")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("offset", range(4))
def test_killed_at_any_step_with_four_files_in_hand_every_file_is_read_once(tmp_path: Path, offset: int) -> None:
    for step in range(1 + offset * EVERY, 2 * LAST, 4 * EVERY):
        daemon = Daemon(tmp_path / str(step), **settings("archive"))
        daemon.fake(width=4, read_seconds=0.2)
        originals = drop(daemon) | {f"{n}.png": picture(daemon.inbox / f"{n}.png", n) for n in range(3, 8)}
        killed = crash(daemon, step, "run", "--once")
        run_to_the_end(daemon)
        check_everything_is_there_once(daemon, originals)
        assert left(daemon.archive) == sorted(name for name, text in originals.items() if text)
        if not killed:
            return
    raise AssertionError("the way of eight files has more steps than this test knows")


@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev, reason="no second volume"
)
@pytest.mark.parametrize("offset", range(2))
def test_killed_while_copying_to_another_volume_no_original_is_lost_or_doubled(tmp_path: Path, offset: int) -> None:
    import shutil
    import tempfile

    for step in range(1 + offset * EVERY, LAST, 2 * EVERY):
        elsewhere = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="dropscribe-test-"))
        try:
            daemon = Daemon(tmp_path / str(step), **settings("archive"))
            daemon.settings["folders"] |= {"archive": str(elsewhere / "archive"), "failed": str(elsewhere / "failed")}
            daemon.settings["intake"]["recheck_for"] = 0.3  # the source is left beside itself meanwhile
            daemon.archive, daemon.failed = elsewhere / "archive", elsewhere / "failed"
            daemon.save()
            originals = drop(daemon)
            killed = crash(daemon, step, "run", "--once")
            run_to_the_end(daemon)
            check_everything_is_there_once(daemon, originals)
            assert left(daemon.archive) == ["good.png", "sub/good.png"]
        finally:
            shutil.rmtree(elsewhere)
        if not killed:
            return
    raise AssertionError("the way of three files has more steps than this test knows")


def with_hooks(root: Path) -> Daemon:
    """Return a daemon with a recipe whose texts lie beside its pictures, and a hook that tells of each file."""
    daemon = Daemon(root, **settings("archive"))
    (root / "shots").mkdir()
    tell = "import os; print(os.environ['DROPSCRIBE_STATE'], os.environ['DROPSCRIBE_NAME'], file=open('told', 'a'))"
    hook = [sys.executable, "-S", "-E", "-c", tell]
    daemon.settings["hooks"] = {"done": hook, "failed": hook}
    daemon.settings["recipes"] = {"shots": {"inbox": str(root / "shots"), "outbox": "beside", "priority": "high"}}
    daemon.save()
    return daemon


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("offset", range(2))
def test_killed_at_any_step_of_two_inboxes_every_file_is_read_once_and_has_its_hook(
    tmp_path: Path, offset: int
) -> None:
    for step in range(1 + 2 * offset * EVERY, LAST, 4 * EVERY):
        daemon = with_hooks(tmp_path / str(step))
        shots = daemon.root / "shots"
        text = picture(shots / "shot.png", 7)
        originals = drop(daemon)
        killed = crash(daemon, step, "run", "--once")
        assert daemon.run("run", "--once").returncode in (0, 1)
        check_everything_is_there_once(daemon, originals)
        assert left(shots) == ["shot.md", "shot.png", "shot.txt"] and text in (shots / "shot.txt").read_text()
        told = (daemon.root / "told").read_text().splitlines()
        assert set(told) == {"done shot.png", "done good.png", "done sub/good.png", "failed bad.png"}
        assert len(told) == 4 or killed
        if not killed:
            return
    raise AssertionError("the way of four files has more steps than this test knows")


@pytest.mark.timeout(600)
def test_killed_in_the_middle_of_a_retry_the_file_is_in_one_of_the_two_places(tmp_path: Path) -> None:
    for step in range(1, 200, max(1, EVERY // 3)):
        daemon = Daemon(tmp_path / str(step), **settings("archive"))
        (daemon.inbox / "sub").mkdir()
        (daemon.inbox / "sub" / "bad.png").write_bytes(b"no picture at all")
        assert daemon.once() == 1
        killed = crash(daemon, step, "retry", "--all")
        places = [p for p in daemon.root.rglob("bad.png") if p.is_file()]
        assert len(places) == 1, places
        assert daemon.run("retry", "--all").returncode == 0
        assert left(daemon.inbox) == ["sub/bad.png"] and left(daemon.failed) == []
        if not killed:
            return
    raise AssertionError("a retry has more steps than this test knows")


@pytest.mark.timeout(300)
def test_a_daemon_killed_over_and_over_blames_no_file(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, engine={"attempts": 2})
    daemon.fake(read_seconds=0.3)
    names = [f"{n}.png" for n in range(3)]
    texts = sorted(picture(daemon.inbox / name, n) for n, name in enumerate(names))
    for _ in range(6):
        daemon.start()
        daemon.wait_status(lambda s: s["current"] or s["queue"]["done"] == 3, "it reads")
        daemon.kill()

    assert daemon.once() == 0
    assert sorted((daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)) == texts
    assert left(daemon.failed) == [] and left(daemon.archive) == names


def test_a_worker_left_behind_by_a_killed_daemon_is_ended(tmp_path: Path) -> None:
    import psutil

    from support.harness import wait_for

    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=20)
    picture(daemon.inbox / "scan.png")
    daemon.start()
    status = daemon.wait_status(lambda s: s["current"], "it reads")
    worker = psutil.Process(status["model"]["pid"])
    daemon.kill()

    wait_for(
        lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker ends with its daemon"
    )


def test_a_damaged_journal_is_set_aside_and_nothing_is_read_twice(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = picture(daemon.inbox / "old.png", 1)
    assert daemon.once() == 0
    (daemon.state / "journal.db").write_bytes(b"this is no database" * 1000)
    new = picture(daemon.inbox / "new.png", 2)

    assert daemon.once() == 0
    assert left(daemon.outbox) == ["new.txt", "old.txt"]
    assert (daemon.outbox / "old.txt").read_text().strip() == text
    assert (daemon.outbox / "new.txt").read_text().strip() == new
    assert [p.name for p in daemon.state.glob("journal.db.damaged-*")] != []
    assert "damaged" in daemon.log()


@pytest.mark.timeout(600)
def test_a_journal_lost_at_any_step_leads_to_no_second_reading(tmp_path: Path) -> None:
    for step in range(1, LAST, max(3, EVERY)):
        daemon = Daemon(tmp_path / str(step), **settings("archive"))
        text = picture(daemon.inbox / "scan.png")
        killed = crash(daemon, step, "run", "--once")
        for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
            if (daemon.state / name).exists():
                (daemon.state / name).write_bytes(b"lost" * 500)
        assert daemon.once() == 0
        assert left(daemon.outbox) == ["scan.md", "scan.txt"]
        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        assert left(daemon.archive) == ["scan.png"] and left(daemon.inbox) == []
        if not killed:
            return
    raise AssertionError("the way of one file has more steps than this test knows")


def test_the_fingerprint_tells_contents_apart(tmp_path: Path) -> None:
    """The tests above compare texts: two pictures must not have the same."""
    assert picture(tmp_path / "a.png", 1) != picture(tmp_path / "b.png", 2)
    with Image.open(tmp_path / "a.png") as image:
        assert picture(tmp_path / "c.png", 1) == fingerprint(image)
