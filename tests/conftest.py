"""Shared fixtures: the corpora beside the checkout, where there are any, and a home of their own for all daemons."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import CORPORA


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is noted in the platform's own place for state out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_STATE_HOME", str(tmp_path_factory.mktemp("xdg")))
        yield


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real pictures, or skip the test where it is not there."""
    if not CORPORA.is_dir():
        pytest.skip("no corpora beside this checkout")
    return CORPORA
