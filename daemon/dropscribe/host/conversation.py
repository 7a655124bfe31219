"""What the worker's messages mean for the values the host keeps. Pure."""

from dropscribe.core.errors import Reason
from dropscribe.core.framing import Message
from dropscribe.core.job import Outcome
from dropscribe.host.values import Life, Reading


def load_progress(life: Life, message: Message) -> None:
    """Note how far a load is."""
    life.step, life.done_bytes, life.total_bytes = message["step"], message["done_bytes"], message["total_bytes"]


def ready(life: Life, message: Message, now: float, wall: float) -> None:
    """Note that the model is loaded; idleness is counted from here."""
    life.loaded_at, life.ready_at, life.idle_since, life.step = wall, now, now, None
    life.info = message["info"]


def progress(reading: Reading, message: Message, now: float) -> bool:
    """Note a step of the job in hand; return whether it was the end of a page."""
    reading.quiet_since, reading.taken_up = now, True
    match message.get("stage", message["kind"]):
        case "decode":
            reading.decoding_since, reading.pages = now, message["pages"]
            reading.page = reading.page or message["page"]
        case "read":
            reading.decoding_since, reading.pages = None, message["pages"]
        case "attempt":
            reading.attempt_since, reading.page, reading.tokens = now, message["page"], 0
            reading.page_since = reading.page_since or now
        case "tokens":
            reading.tokens = message["count"]
        case "done":
            reading.attempt_since = reading.page_since = None
            return True
        case "render":
            reading.decoding_since = reading.attempt_since = reading.page_since = None
    return False


def outcome(message: Message) -> Outcome:
    """Return the outcome that a message carries."""
    values = {key: message[key] for key in Outcome.__dataclass_fields__}
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    values["staged"] = tuple(values["staged"])
    return Outcome(**values)
