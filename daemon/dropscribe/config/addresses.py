"""How base URLs of servers are written. It opens no connection."""

from typing import Any
from urllib.parse import urlsplit

from dropscribe.config.kinds import Kind

ENDINGS = ("/chat/completions", "/models", "/v1")  # what people copy along with a base URL


def _urls(value: Any) -> Any:
    """Return one URL, or a list of them, as base URLs; raise `ValueError` with words for the user."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise ValueError("must be a URL, or a list of them")
    return tuple(dict.fromkeys(base_url(url) for url in given))


def base_url(value: object) -> str:
    """Return the URL below which a server's `/v1` lies, without what is often copied along with it."""
    example = "http://gpu1:8000"
    if not isinstance(value, str):
        raise ValueError(f"must be a URL like {example}")
    try:
        parts = urlsplit(value.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or parts.scheme not in ("http", "https"):
        raise ValueError(f"must be a URL like {example}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain URL; a key belongs into engine.remote.key_file")
    path = parts.path.rstrip("/")
    for ending in ENDINGS:
        path = path.removesuffix(ending).rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


URLS = Kind(_urls, write=list)
