"""What may go wrong with a request, and whose fault it is. Values only; what follows is the driver's business."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_BODY = 64 << 10  # bytes of an error that are looked at
LONGEST_SAID = 300  # characters of it that are kept
LONGEST_WAIT = 300.0  # seconds that a server may ask us to stay away

_DATA_URL = re.compile(r"data:[\w/+.-]{1,100};base64,[A-Za-z0-9+/=\\]*")
_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^<>]{1,500}>", re.DOTALL | re.IGNORECASE)


class Blame(Enum):
    """Whose fault a failure is."""

    LOST = auto()  # no connection, or it was cut: the server is gone, or what stands before it
    BUSY = auto()  # it says that it has too much to do, or is not ready
    ERROR = auto()  # 500: the server's or the page's, which others will tell
    BARRED = auto()  # it will not serve us at all: key, model, address
    REFUSED = auto()  # it does not take this request
    LATE = auto()  # nothing came in time
    CANCELLED = auto()  # we ended it


@dataclass(frozen=True)
class Failure:
    """Why a request gave no text."""

    blame: Blame
    detail: str
    status: int = 0
    wait: float | None = None  # seconds that the server asks us to stay away


class Failed(Exception):
    """A request that gave no text; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def of_status(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Return what an answer with this HTTP status means."""
    said = text_of(body)
    detail = f"{status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        place = headers.get("Location", "")[:LONGEST_SAID]
        return Failure(
            Blame.BARRED, f"it redirects to {place!r}; name that in engine.remote.url if it is right", status
        )
    if status in (429, 502, 503, 504):
        return Failure(Blame.BUSY, detail, status, _retry_after(headers))
    if status >= 500:
        return Failure(Blame.ERROR, detail, status)
    if status in (401, 403, 404, 405, 407):
        return Failure(Blame.BARRED, detail, status)
    return Failure(Blame.REFUSED, detail, status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`; a date is taken for none."""
    value = headers.get("Retry-After", "").strip()
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdigit() else None


def text_of(body: bytes) -> str:
    """Return what an error says, in whichever of the usual forms it comes, short and without any picture."""
    text = body[:LONGEST_BODY].decode("utf-8", "replace")
    try:
        text = _message(json.loads(text))
    except (ValueError, RecursionError):
        text = _MARKUP.sub(" ", text) if "<" in text else text
    return shortened(text)


def _message(value: object) -> str:
    """Return the message inside `{"error": {"message"}}`, `{"error": str}`, `{"detail": str or list}`, or all of it."""
    if isinstance(value, dict):
        for key in ("error", "detail", "message", "msg"):
            if value.get(key):
                return _message(value[key])
    if isinstance(value, list) and value:
        return "; ".join(_message(item) for item in value[:3])
    return value if isinstance(value, str) else json.dumps(value)


def shortened(text: str) -> str:
    """Return *text* in one printable line of bounded length, pictures cut out."""
    text = _DATA_URL.sub("[picture]", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SAID]
