"""What a server streams: server-sent events taken apart into pieces of an answer. Pure, and made for hostile input."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dropscribe.engines.remote.failures import Blame, Failed, Failure, shortened

LONGEST_LINE = 1 << 20  # bytes
LARGEST = 32 << 20  # bytes of a whole answer: 32,768 tokens with their wrapping take some 10 MB
LARGEST_ID = 0x10FFFF - 0x10000  # beyond any vocabulary


@dataclass(frozen=True)
class Piece:
    """One event: some text, token ids where the server gives them, why it ended, how many tokens there were."""

    text: str = ""
    ids: tuple[int, ...] = ()
    finish: str | None = None
    tokens: int | None = None
    model: str | None = None


class Events:
    """Takes bytes as they come, wherever they are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._total = 0
        self.done = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that *data* completes; raise `Failed` for an error event and for what is no answer."""
        self._total += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._total > LARGEST or len(self._rest) > LONGEST_LINE:
            raise Failed(Failure(Blame.LOST, "its answer is too large"))
        for line in lines:
            field, _, value = line.rstrip(b"\r").partition(b":")
            value = value.strip()
            if field == b"error":  # llama-server of 2024
                raise _error(shortened(value.decode("utf-8", "replace")))
            if field != b"data" or not value or self.done:
                continue
            if value == b"[DONE]":
                self.done = True
                continue
            yield piece_of(_parsed(value))


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Failed(Failure(Blame.LOST, f"its answer is no JSON ({shortened(text[:100].decode('utf-8', 'replace'))})"))
    return value


def _error(said: str) -> Failed:
    return Failed(Failure(Blame.LOST, f"its answer ended with an error ({said})"))


def piece_of(event: dict[str, Any]) -> Piece:
    """Return what an event, or an answer in one piece, says; raise `Failed` for an error."""
    if event.get("error"):
        error = event["error"]
        said = error.get("message", error) if isinstance(error, dict) else error
        raise _error(shortened(str(said)))
    usage, choices = event.get("usage"), event.get("choices")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    tokens = count if isinstance(count, int) and 0 <= count < 1 << 24 else None
    model = event["model"] if isinstance(event.get("model"), str) else None
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        raise Failed(Failure(Blame.LOST, "its answer has no choices"))
    message = choice.get("delta") or choice.get("message") or {}
    text = message.get("content") if isinstance(message, dict) else None
    finish = choice.get("finish_reason")
    return Piece(
        text if isinstance(text, str) else "",
        _ids(choice.get("token_ids")),
        finish if isinstance(finish, str) else None,
        tokens,
        model,
    )


def _ids(given: Any) -> tuple[int, ...]:
    """Return token ids; none where any is no number of a token."""
    if not isinstance(given, list) or not all(type(i) is int and 0 <= i < LARGEST_ID for i in given):
        return ()
    return tuple(given)
