"""Shared fixtures: the corpora beside the checkout, where there are any."""

from pathlib import Path

import pytest

from corpus import CORPORA


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real pictures, or skip the test where it is not there."""
    if not CORPORA.is_dir():
        pytest.skip("no corpora beside this checkout")
    return CORPORA
