"""Decoding the next page while the model reads this one: a look-ahead of one page, in a thread of its own.

The thread only walks the iterable; MLX stays where it is. Used on macOS only: on Linux the decoders bound the address
space of the whole process while they work, and an allocation of the model would run into that bound.
"""

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from dropscribe.core.pages import Page


def ahead(pages: Iterable[Page]) -> Generator[Page]:
    """Yield the same pages, the next one being fetched meanwhile; errors come where their page would have come."""
    source: Iterator[Page] = iter(pages)
    with ThreadPoolExecutor(1, "decode") as thread:  # leaving waits for a page that is being fetched
        coming = thread.submit(next, source, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield page
