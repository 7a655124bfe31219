"""Files of a recipe: found in its own folders, told apart in the list, and given back to its own inbox."""

from pathlib import Path

from support.fakes import picture
from support.harness import Daemon, wait_for
from support.web_page import Web


def test_a_recipe_has_its_own_folders(tmp_path: Path) -> None:
    own = {name: tmp_path / "bills" / name for name in ("inbox", "outbox", "archive", "failed")}
    recipes = {"bills": {name: str(folder) for name, folder in own.items()}}
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "100ms"}, recipes=recipes)
    own["inbox"].mkdir(parents=True)
    with daemon.start(), Web(daemon) as web:
        picture(daemon.inbox / "same.png", 1)
        daemon.wait_status(lambda s: s["queue"]["done"] == 1, "the first is read")
        text = picture(own["inbox"] / "same.png", 2)
        (own["inbox"] / "torn.png").write_bytes(b"torn")
        told = daemon.wait_status(lambda s: (s["queue"]["done"], s["queue"]["failed"]) == (2, 1), "all is read")
        ids = {(item["name"], item["recipe"]): item["id"] for item in told["recent"]}
        bill = ids["same.png", "bills"]

        listed = web.get("/read?recipe=bills").text
        assert f"/read/{bill}" in listed and f"/read/{ids['same.png', None]}" not in listed
        assert '<span class="tag">bills</span>' in listed and "<option selected>bills</option>" in listed
        assert text in web.get(f"/read/{bill}").text
        assert web.get(f"/read/{bill}/output/0").text == text + "\n"
        assert web.get(f"/read/{bill}/picture/1").status == 200
        assert web.post(f"/read/{bill}/again").status == 200
        wait_for(lambda: (own["outbox"] / "same (2).txt").exists(), "it is read again there")
        assert web.post(f"/read/{ids['torn.png', 'bills']}/retry").status == 200


def test_a_file_is_dropped_into_the_inbox_of_a_recipe(tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    bills.mkdir()
    daemon = Daemon(tmp_path, recipes={"bills": {"inbox": str(bills)}})
    with Web(daemon) as web:
        assert "<option>bills</option>" in web.get("/drop").text
        assert web.post("/drop?name=a.png&recipe=bills", b"content").status == 200
        assert web.post("/drop?name=b.png&recipe=none", b"content").status == 404

    assert (bills / "a.png").read_bytes() == b"content" and not list(daemon.inbox.glob("*.png"))
