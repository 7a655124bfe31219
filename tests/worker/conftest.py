"""What the tests of the worker share: real decoders, and a scheduler with them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropscribe.worker.decoder import Decoders
from support.scheduling import Desk


@pytest.fixture(scope="session")
def decoders() -> Iterator[Decoders]:
    """Decoders with all defaults."""
    with closing(Decoders()) as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, decoders: Decoders) -> Iterator[Desk]:
    """A scheduler in the hands of this test."""
    with closing(Desk(tmp_path, decoders)) as found:
        yield found
