"""The body of a request, in the one form that every server takes, and the fields that only some honour.

The picture comes first, then the words: llama-server fails on other orders with some templates. `max_tokens`, not its
new name: Ollama and mlx_vlm.server ignore that one. Temperature 0 is said: their own defaults are 0.8 and 1.0.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from dropscribe.engines.remote.families import Family
from dropscribe.engines.remote.picture import Picture

PLACE = f"data:,{uuid4().hex}"  # where the data URL is put, in slices, while the body is sent


@dataclass(frozen=True)
class Body:
    """A request's body around its picture."""

    before: bytes
    picture: Picture
    after: bytes

    @property
    def length(self) -> int:
        """Bytes of all of it."""
        return len(self.before) + self.picture.length + len(self.after)

    def __iter__(self) -> Iterator[bytes]:
        """Yield it in slices."""
        yield self.before
        yield from self.picture.url()
        yield self.after


@dataclass(frozen=True)
class Asked:
    """What one request asks."""

    model: str
    words: str
    limit: int  # tokens
    guard: tuple[int, int] | None = None  # n and window that the server is asked to keep


def body(kind: str, family: Family, asked: Asked, picture: Picture, extra: Mapping[str, Any]) -> Body:
    """Return what a server of this *kind* is sent; *extra* is merged over all but the page itself."""
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": PLACE}}]
    if asked.words:
        parts.insert(0 if family.text_first else 1, {"type": "text", "text": asked.words})
    page = {"model": asked.model, "messages": [{"role": "user", "content": parts}], "stream": True}
    fields: dict[str, Any] = {
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "max_tokens": asked.limit,
    }
    text = json.dumps(fields | special(kind, family, asked) | dict(extra) | page)
    before, _, after = text.partition(PLACE)
    return Body(before.encode(), picture, after.encode())


def special(kind: str, family: Family, asked: Asked) -> dict[str, Any]:
    """Return the fields that a server of this *kind* honours; elsewhere they would be ignored without a word."""
    fields: dict[str, Any] = {}
    if kind in ("vllm", "sglang"):
        fields["return_token_ids"] = True
        if family.special:
            fields["skip_special_tokens"] = False
    if kind == "vllm" and asked.guard is not None:
        n, window = asked.guard
        fields["vllm_xargs"] = {"ngram_size": n, "window_size": window, "whitelist_token_ids": list(family.cells)}
    return fields
