"""Folders are looked up anew: an inbox that is a link may be pointed elsewhere, but never at another folder of ours."""

from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left


def point(link: Path, target: Path) -> None:
    """Let *link* name *target*, in one step."""
    link.with_name("link.new").symlink_to(target)
    link.with_name("link.new").rename(link)


def linked(root: Path) -> Daemon:
    """Return a daemon whose inbox is the link in *root*."""
    daemon = Daemon(root, folders={"inbox": str(root / "link")})
    daemon.inbox = root / "link"
    return daemon


def test_an_inbox_that_is_pointed_elsewhere_is_followed(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    point(tmp_path / "link", one)
    with linked(tmp_path).start() as daemon:
        daemon.read_one("first.png", 1)

        point(tmp_path / "link", two)
        text = picture(two / "second.png", 2)
        daemon.wait_status(lambda s: s["queue"]["done"] == 2, "what lies in the other folder is read")
        assert (daemon.outbox / "second.txt").read_text().strip() == text
        daemon.read_one("third.png", 3)  # events come from there too
        assert left(one) == left(two) == [] and left(daemon.archive) == ["first.png", "second.png", "third.png"]


@pytest.mark.slow
def test_an_inbox_that_is_pointed_at_the_outbox_is_not_read(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    point(tmp_path / "link", one)
    with linked(tmp_path).start() as daemon:
        point(tmp_path / "link", daemon.outbox)
        daemon.wait_status(lambda s: not s["daemon"]["inbox_online"], "the inbox is refused")
        assert "results would be read as new pictures" in daemon.log()

        point(tmp_path / "link", one)
        daemon.wait_status(lambda s: s["daemon"]["inbox_online"], "it is used again")
        picture(one / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["done"] == 1, "and read")
