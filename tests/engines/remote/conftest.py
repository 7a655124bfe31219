"""Servers that several tests share: a real one starts in 0.3 s, but not for each test."""

from collections.abc import Iterator

import pytest

from support.llama_server import LlamaServer


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaServer]:
    """Give a real server that shows special tokens."""
    with LlamaServer(special=True) as server:
        yield server
