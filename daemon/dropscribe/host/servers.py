"""The servers that pages are sent to, as the daemon shows them: while a worker tells of them, and without one."""

import logging
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from dropscribe.config import Settings
from dropscribe.core.status import RemoteStatus


def named(settings: Settings, engine: str) -> list[RemoteStatus]:
    """Return the servers that *engine* would send pages to; of how they are, nothing is known."""
    urls = settings.engine.remote.url if engine == "remote" else ()
    return [RemoteStatus(url=url, host=urlsplit(url).netloc, model=settings.engine.remote.model) for url in urls]


def changes(before: Sequence[RemoteStatus], after: Sequence[RemoteStatus]) -> Iterator[tuple[int, str]]:
    """Yield what is worth a line in the log, with its level."""
    known = {server.url: server for server in before}
    for server in after:
        old = known.get(server.url)
        if server.state == "out" and (old is None or old.state != "out"):
            yield logging.WARNING, f"the server {server.host} is not used: {server.error}"
        elif server.state == "up" and (old is None or old.state != "up"):
            yield logging.INFO, f"pages are sent to {server.url} ({server.kind}, model {server.model})"
