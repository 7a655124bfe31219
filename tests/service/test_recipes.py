"""Several inboxes in one daemon, each with its own ways; and what happens after files."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.fakes import document, picture
from support.harness import Daemon, done, gone, left, wait_for


def with_recipes(root: Path, **recipes: dict[str, Any]) -> Daemon:
    """Return a daemon with these recipes; each has an inbox below *root* under its name."""
    for name, recipe in recipes.items():
        recipe.setdefault("inbox", str(root / name))
        Path(recipe["inbox"]).mkdir(exist_ok=True)
    daemon = Daemon(root)
    daemon.settings["recipes"] = recipes
    daemon.save()
    return daemon


def of(status: dict[str, Any], recipe: str) -> dict[str, Any]:
    """Return what is told of a recipe."""
    return next(each for each in status["recipes"] if each["name"] == recipe)


def test_each_inbox_has_its_own_ways(tmp_path: Path) -> None:
    daemon = with_recipes(
        tmp_path,
        scans={"outbox": str(tmp_path / "pdfs"), "output": {"formats": ["md", "json"]}, "intake": {"watch": "poll"}},
        notes={"output": {"formats": ["md"], "originals": "delete"}, "engine": {"prompt": "Only the total."}},
    )
    with daemon.start():
        picture(daemon.inbox / "a.png", 1)
        picture(tmp_path / "scans" / "a.png", 2)
        picture(tmp_path / "notes" / "b.png", 3)
        status = daemon.wait_status(done(3), "all three are read")

    assert left(daemon.outbox) == ["a.txt", "b.md"]
    assert left(tmp_path / "pdfs") == ["a.json", "a.md"]
    assert (daemon.outbox / "b.md").read_text().endswith("Only the total.\n")
    assert {(item["name"], item["recipe"]) for item in status["recent"]} == {
        ("a.png", None),
        ("a.png", "scans"),
        ("b.png", "notes"),
    }
    watched = {each["name"]: each["watch"] for each in status["recipes"]}
    assert watched == {"scans": "poll", "notes": status["daemon"]["watch"]}
    assert left(daemon.archive) == ["a (2).png", "a.png"]


def test_outputs_beside_their_originals_are_never_taken_as_new_files(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, shots={"outbox": "beside", "output": {"formats": ["txt", "pdf"]}})
    shots = tmp_path / "shots"
    text = picture(shots / "sub.png", 1)
    for _ in range(2):
        assert daemon.once() == 0

    assert left(shots) == ["sub.pdf", "sub.png", "sub.txt"]
    assert (shots / "sub.txt").read_text().strip() == text
    assert not left(daemon.failed)
    picture(shots / "sub.png", 2)
    assert daemon.once() == 0
    assert left(shots) == ["sub (2).pdf", "sub (2).txt", "sub.pdf", "sub.png", "sub.txt"]


def test_a_file_of_high_priority_overtakes_a_long_one_of_low(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, slow={"priority": "low"}, quick={"priority": "high"})
    daemon.fake(read_seconds=0.2)
    with daemon.start():
        for number in range(5):  # more than the worker takes in hand
            document(tmp_path / "slow" / f"book{number}.tif", 100, number)
        daemon.wait_status(lambda status: any(job["page"] > 2 for job in status["active"]), "the book is being read")
        picture(tmp_path / "quick" / "shot.png", 7)
        status = daemon.wait_status(done(1), "the shot is read")

        assert [item["name"] for item in status["recent"]] == ["shot.png"]
        assert status["current"]["name"].startswith("book") and status["current"]["recipe"] == "slow"


def test_an_inbox_that_is_away_holds_up_no_other_and_is_taken_up_when_it_is_back(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, share={}, gone={"outbox": str(tmp_path / "there")})
    with daemon.start():
        daemon.wait_status(lambda status: of(status, "share")["inbox_online"], "it is watched")
        (tmp_path / "share").rename(tmp_path / "unmounted")
        (tmp_path / "there").rmdir()
        picture(tmp_path / "gone" / "waits.png", 1)
        picture(daemon.inbox / "a.png", 2)
        daemon.wait_status(done(1), "the base goes on")
        status = daemon.wait_status(
            lambda status: (
                not of(status, "share")["inbox_online"]
                and "outbox-missing" in (of(status, "gone")["paused_reason"] or "")
            ),
            "both are told",
        )
        assert not status["queue"]["paused"]

        picture(tmp_path / "unmounted" / "b.png", 3)
        (tmp_path / "unmounted").rename(tmp_path / "share")
        (tmp_path / "there").mkdir()
        daemon.wait_status(done(3), "both are taken up")

    assert left(tmp_path / "there") == ["waits.txt"]


def test_a_recipe_that_is_removed_or_changed_concerns_files_taken_after_it(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, old={"outbox": str(tmp_path / "first")})
    with daemon.start():
        daemon.ask("pause")
        picture(tmp_path / "old" / "a.png", 1)
        daemon.wait_status(lambda status: status["queue"]["queued"] == 1, "it is queued")
        daemon.settings["recipes"] = {"old": {"inbox": str(tmp_path / "old"), "output": {"formats": ["md"]}}}
        daemon.change()
        wait_for(lambda: "the recipe old is changed: files taken before" in daemon.log(), "the change is taken over")
        assert "takes no more files" not in daemon.log()
        picture(tmp_path / "old" / "b.png", 2)
        daemon.wait_status(lambda status: status["queue"]["queued"] == 2, "the other is queued")
        removed, daemon.settings["recipes"] = daemon.settings["recipes"], {}
        daemon.change()
        daemon.wait_status(lambda status: not status["recipes"], "the recipe is removed")
        assert "the recipe old is removed and takes no more files" in daemon.log()
        picture(tmp_path / "old" / "c.png", 3)
        daemon.kill()

    with daemon.start():
        daemon.ask("resume")
        daemon.wait_status(done(2), "both are read")
        daemon.wait_quiet()
        assert left(tmp_path / "first") == ["a.txt"] and left(daemon.outbox) == ["b.md"]
        assert left(tmp_path / "old") == ["c.png"]

        for number in (1, 2):  # put back, and once more: it lives on where it was
            daemon.settings["recipes"] = removed
            daemon.change()
            daemon.wait_status(done(2 + number), "the recipe is back, and reads")
            daemon.settings["recipes"] = {}
            daemon.change()
            daemon.wait_status(lambda status: not status["recipes"], "the recipe is removed again")
            picture(tmp_path / "old" / f"d{number}.png", 3 + number)
    assert left(daemon.outbox) == ["b.md", "c.md", "d1.md"]


def test_a_recipe_lives_on_when_others_are_changed_and_removed(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, stays={"output": {"formats": ["md"]}}, changes={}, goes={})
    with daemon.start():
        del daemon.settings["recipes"]["goes"]
        daemon.settings["recipes"]["changes"]["output"] = {"formats": ["md"]}
        daemon.change()
        wait_for(lambda: "the recipe goes is removed" in daemon.log(), "the change is taken over")
        picture(tmp_path / "stays" / "a.png", 1)
        picture(tmp_path / "changes" / "b.png", 2)
        daemon.wait_status(done(2), "both are read")
        log = daemon.log()
    assert log.count(f"watching {tmp_path / 'stays'}:") == 1 and log.count(f"watching {tmp_path / 'changes'}:") == 2
    assert "the recipe stays" not in log and left(daemon.outbox) == ["a.md", "b.md"]


def test_a_failed_file_goes_back_to_the_inbox_that_it_came_from(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, scans={}, others={})
    (tmp_path / "others" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    assert daemon.once() == 1
    assert left(daemon.failed) == ["bad.png", "bad.png.error.txt"]

    assert daemon.run("retry", "bad.png").returncode == 0
    assert left(tmp_path / "others") == ["bad.png"] and not left(daemon.inbox)
    with daemon.start():
        daemon.wait_status(lambda status: status["queue"]["failed"] == 1, "it fails again")
        daemon.run("retry", "--all")
        daemon.wait_status(lambda status: status["queue"]["rejected"] or status["queue"]["settling"], "it is back")


def test_limits_of_a_recipe_hold_for_its_files_and_no_others(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, short={"intake": {"max_pages": 1}})
    document(tmp_path / "short" / "book.tif", 3)
    document(daemon.inbox / "same.tif", 3)

    assert daemon.once() == 1
    assert left(daemon.outbox) == ["same.txt"]
    assert "reason: too-many-pages" in (daemon.failed / "book.tif.error.txt").read_text()


def test_an_inbox_that_is_away_while_its_original_is_to_be_moved_loses_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    daemon = with_recipes(tmp_path, share={"archive": str(kept)})
    with daemon.start():
        kept.rmdir()
        kept.write_text("in the way")
        picture(tmp_path / "share" / "a.png", 1)
        daemon.wait_status(lambda status: bool(status["queue"]["archive_error"]), "it cannot be moved")
        (tmp_path / "share").rename(tmp_path / "unmounted")
        kept.unlink()
        kept.mkdir()
        told = "its inbox is not there"
        daemon.wait_status(lambda status: told in (status["queue"]["archive_error"] or ""), "it waits for its inbox")
        (tmp_path / "unmounted").rename(tmp_path / "share")
        daemon.wait_status(done(1), "it is moved")
        daemon.wait_quiet()

    assert left(kept) == ["a.png"] and left(daemon.outbox) == ["a.txt"]


# -- hooks

TELL = """
import json, os, sys
told = json.load(sys.stdin)
variables = {key: os.environ[key] for key in os.environ if key.startswith("DROPSCRIBE_")}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([told, variables, os.getcwd()]) + "\\n")
"""


def tell(root: Path) -> list[str]:
    """Return a command that writes what it is told into `told` below *root*."""
    return [sys.executable, "-c", TELL, str(root / "told")]


def told(root: Path) -> list[Any]:
    file = root / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_hook_is_told_everything_in_the_order_of_the_files(tmp_path: Path) -> None:
    daemon = with_recipes(tmp_path, receipts={"hooks": {"failed": tell(tmp_path)}})
    daemon.settings["hooks"] = {"done": tell(tmp_path)}
    daemon.save()
    name = "a 'quoted' \"$(touch x)\"\n`b`.png"
    picture(daemon.inbox / name, 1)
    picture(tmp_path / "receipts" / "r.png", 2)
    (tmp_path / "receipts" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    assert daemon.once() == 1

    by_name = {each[0]["name"]: each for each in told(tmp_path)}
    assert set(by_name) == {name, "r.png", "bad.png"}
    good, variables, folder = by_name[name]
    assert folder == str(tmp_path)
    assert good == {
        "state": "done", "name": name, "recipe": None, "original": str(daemon.archive / name),
        "outputs": [str(daemon.outbox / name.replace("\n", "").replace(".png", ".txt"))],
        "reason": None, "review": False,
    }  # fmt: skip
    assert variables["DROPSCRIBE_NAME"] == name and variables["DROPSCRIBE_OUTPUTS"] == good["outputs"][0]
    assert variables["DROPSCRIBE_STATE"] == "done" and variables["DROPSCRIBE_REVIEW"] == ""
    failed, variables, _ = by_name["bad.png"]
    assert (failed["state"], failed["reason"], failed["recipe"]) == ("failed", "truncated", "receipts")
    assert failed["original"] == str(daemon.failed / "bad.png") and failed["outputs"] == []
    assert variables["DROPSCRIBE_RECIPE"] == "receipts" and variables["DROPSCRIBE_REASON"] == "truncated"


def test_a_hook_that_fails_is_told_and_changes_nothing(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.settings["hooks"] = {"done": [sys.executable, "-c", "import sys; sys.exit('out of paper')"]}
    daemon.save()
    with daemon.start():
        daemon.read_one("a.png")
        status = daemon.wait_status(lambda status: status["hooks"]["last"] is not None, "the hook has run")
        assert status["hooks"]["last"]["exit"] == 1 and status["hooks"]["last"]["message"] == "out of paper"
        assert "out of paper" in daemon.run("status").stdout
        checks = json.loads(daemon.run("doctor", "--json").stdout)["checks"]
        assert any(check["state"] == "warning" and "out of paper" in check["detail"] for check in checks)
        daemon.read_one("b.png")
    assert left(daemon.outbox) == ["a.txt", "b.txt"]


def failing(status: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    """Return recipe, state and message of each hook that is told to fail."""
    return [(each["recipe"], each["state"], each["message"]) for each in status["hooks"]["failing"]]


def test_a_hook_that_fails_is_told_until_it_succeeds_or_is_not_in_the_settings_any_more(tmp_path: Path) -> None:
    fails = [sys.executable, "-c", "import os, sys; sys.exit(None if os.path.exists('paper') else 'out of paper')"]
    daemon = with_recipes(tmp_path, prints={"hooks": {"done": fails}}, mails={"hooks": {"failed": fails}})
    daemon.settings["hooks"] = {"done": [sys.executable, "-c", "pass"]}
    daemon.save()
    prints, mails = ("prints", "done", "out of paper"), ("mails", "failed", "out of paper")
    with daemon.start():
        picture(tmp_path / "prints" / "a.png", 1)
        (tmp_path / "mails" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
        daemon.wait_status(lambda status: failing(status) == [mails, prints], "both are told")
        daemon.read_one("b.png")
        daemon.wait_status(lambda status: status["hooks"]["last"]["name"] == "b.png", "the base's hook has run")
        assert daemon.stop() == 0

    with daemon.start():
        assert failing(daemon.status()) == [mails, prints]
        assert "out of paper" in daemon.run("status").stdout
        checks = {check["name"]: check for check in json.loads(daemon.run("doctor", "--json").stdout)["checks"]}
        assert checks["recipes.prints.hooks.done"]["state"] == "warning"
        del daemon.settings["recipes"]["mails"]
        daemon.change()
        daemon.wait_status(lambda status: failing(status) == [prints], "that of the removed recipe is not told")
        (tmp_path / "paper").touch()
        picture(tmp_path / "prints" / "c.png", 3)
        daemon.wait_status(lambda status: failing(status) == [], "the other has succeeded")
        assert "out of paper" not in daemon.run("status").stdout


def test_a_hook_that_was_killed_with_the_daemon_runs_again(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    wait = "import os, time; open('begun', 'a').write('x'); time.sleep(0 if os.path.exists('go') else 600)"
    daemon.settings["hooks"] = {"done": [sys.executable, "-c", wait]}
    daemon.save()
    with daemon.start():
        daemon.read_one("a.png")
        wait_for(lambda: (tmp_path / "begun").exists(), "the hook begins")
        status = daemon.read_one("b.png")
        assert status["hooks"]["waiting"] == 2
        daemon.kill()
    (tmp_path / "go").touch()
    assert daemon.once() == 0

    assert (tmp_path / "begun").read_text() == "xxx"
    assert left(daemon.archive) == ["a.png", "b.png"]


def test_a_hook_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "500ms"})
    hang = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('begun', 'w'); time.sleep(600)"
    daemon.settings["hooks"] = {"done": [sys.executable, "-c", hang]}
    daemon.save()
    with daemon.start():
        daemon.read_one("a.png")
        wait_for(lambda: (tmp_path / "begun").exists(), "the hook begins")
        assert daemon.stop() == 0


MISBEHAVE = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
open("child", "w").write(str(child.pid))
os.unlink(os.environ["DROPSCRIBE_ORIGINAL"])
sys.stderr.write("x" * 3_000_000 + "\\n" + "\\x1b[31mred\\n" * 100_000)
signal.pause()
"""


def test_a_hook_that_forks_floods_and_deletes_ends_with_all_that_it_began(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.settings["hooks"] = {"done": [sys.executable, "-c", MISBEHAVE], "timeout": "2s"}
    daemon.save()
    with daemon.start():
        daemon.read_one("a.png")
        status = daemon.wait_status(lambda status: status["hooks"]["last"] is not None, "the hook is ended")
        assert status["hooks"]["last"]["exit"] != 0 and len(status["hooks"]["last"]["message"]) < 1000
        wait_for(lambda: gone(int((tmp_path / "child").read_text())), "what it began is gone with it")
        daemon.read_one("b.png")
        assert daemon.resident() < 60_000_000
        log = daemon.log()
    assert len(log) < 100_000 and "\x1b" not in log
    assert left(daemon.outbox) == ["a.txt", "b.txt"] and left(daemon.failed) == []


@pytest.mark.parametrize("count", [20])
def test_many_recipes_cost_little(tmp_path: Path, count: int) -> None:
    alone = Daemon(tmp_path / "alone")
    many = with_recipes(_made(tmp_path / "many"), **{f"r{n}": {} for n in range(count)})
    sizes = []
    for daemon in (alone, many):
        with daemon.start():
            daemon.wait_quiet()
            sizes.append(daemon.resident())

    assert sizes[1] - sizes[0] < 3_000_000, "watches and settings, not copies of the daemon"


def _made(folder: Path) -> Path:
    os.makedirs(folder)
    return folder


def example(title: str, **replaced: str) -> str:
    """Return the program of README's example, with other places."""
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    code = text.split(title)[1].split("```python\n")[1].split("```")[0]
    for old, new in replaced.items():
        assert old in code
        code = code.replace(old, new)
    return code


def test_the_examples_of_the_readme_work(tmp_path: Path) -> None:
    (tmp_path / "consume").mkdir()
    to_paperless = example("Into paperless-ngx", **{"/srv/paperless/consume": str(tmp_path / "consume")})
    to_table = example("Receipts into a table", **{"/home/me": str(tmp_path)})
    daemon = with_recipes(
        tmp_path,
        scans={"output": {"formats": ["pdf"]}, "hooks": {"done": [sys.executable, "-c", to_paperless]}},
        receipts={"output": {"formats": ["json"]}, "hooks": {"done": [sys.executable, "-c", to_table]}},
    )
    picture(tmp_path / "scans" / "a.png", 1)
    picture(tmp_path / "receipts" / "b.png", 2)

    assert daemon.once() == 0
    assert left(tmp_path / "consume") == ["a.pdf"]
    assert (tmp_path / "receipts.csv").read_text().startswith("b.png,")
