"""What the worker's messages mean for the values the host keeps. Pure."""

from dropscribe.core.errors import Reason
from dropscribe.core.framing import Message
from dropscribe.core.job import Outcome
from dropscribe.host.values import ActiveJob, WorkerStats


def load_progress(stats: WorkerStats, message: Message) -> None:
    """Note how far a load is."""
    stats.step, stats.done_bytes, stats.total_bytes = message["step"], message["done_bytes"], message["total_bytes"]


def ready(stats: WorkerStats, message: Message, now: float, wall: float) -> None:
    """Note that the model is loaded; idleness is counted from here."""
    stats.loaded_at, stats.ready_at, stats.idle_since, stats.step = wall, now, now, None
    stats.info = message["info"]


def progress(active: ActiveJob, message: Message, now: float) -> bool:
    """Note a step of the job in hand; return whether it was the end of a page."""
    active.quiet_since, active.taken_up = now, True
    match message.get("stage", message["kind"]):
        case "decode":
            active.decoding_since, active.pages = now, message["pages"]
            active.page = active.page or message["page"]
        case "read":
            active.decoding_since, active.pages = None, message["pages"]
        case "attempt":
            active.attempt_since, active.page, active.tokens = now, message["page"], 0
            active.page_since = active.page_since or now
        case "tokens":
            active.tokens = message["count"]
        case "done":
            active.attempt_since = active.page_since = None
            return True
        case "render":
            active.decoding_since = active.attempt_since = active.page_since = None
    return False


def outcome(message: Message) -> Outcome:
    """Return the outcome that a message carries."""
    values = {key: message[key] for key in Outcome.__dataclass_fields__}
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    values["staged"] = tuple(values["staged"])
    return Outcome(**values)
