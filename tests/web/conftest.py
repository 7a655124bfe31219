"""A daemon with the fake engine, some files that it has read, and the page beside it: shared, for they cost seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fakes import document, picture
from support.harness import Daemon
from support.web_page import SCRIPT, Web


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    root = tmp_path_factory.mktemp("web")
    daemon = Daemon(root, output={"formats": ["txt", "md", "json"]}, intake={"incomplete_timeout": "100ms"})
    with daemon.start():
        picture(daemon.inbox / "first.png", 1)
        daemon.wait_status(lambda s: s["queue"]["done"] == 1, "the first file is read")
        (daemon.inbox / "sub").mkdir()
        document(daemon.inbox / "sub" / "many.tif", 3)
        (daemon.inbox / SCRIPT).write_bytes(b"no picture")
        picture(daemon.inbox / f"good {SCRIPT}", 2)
        daemon.wait_status(lambda s: (s["queue"]["done"], s["queue"]["failed"]) == (3, 1), "all is read")
        yield daemon


@pytest.fixture(scope="session")
def web(daemon: Daemon) -> Iterator[Web]:
    with Web(daemon) as web:
        yield web


@pytest.fixture(scope="session")
def ids(daemon: Daemon) -> dict[str, int]:
    """Return the number of each file's job."""
    return {Path(item["name"]).name: item["id"] for item in daemon.status()["recent"]}
