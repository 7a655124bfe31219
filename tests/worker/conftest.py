"""What the tests of the worker share: real decoders."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from dropscribe.config import checked
from dropscribe.worker.decoder import Decoders


@pytest.fixture(scope="session")
def decoders() -> Iterator[Decoders]:
    """Decoders with all defaults."""
    settings = checked({}, "test")
    with closing(Decoders(lambda: settings)) as found:
        yield found
