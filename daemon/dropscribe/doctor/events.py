"""Whether the system's file events arrive: tested with a canary file, by the code that the daemon watches with."""

import contextlib
import os
import time
from collections.abc import Iterator

from dropscribe.doctor.values import Check, fault, ok, skipped, warning
from dropscribe.files import regular
from dropscribe.files.naming import hidden_name
from dropscribe.intake.events import EventBuffer, Watch

LONGEST = 5.0  # seconds; later events are useless, the next rescan is near
STEP = 0.05


def seen(inbox: str, mode: str, seconds: float = LONGEST) -> Iterator[Check]:
    """Create a hidden file in *inbox* and wait *seconds* for its event; *mode* as `intake.watch`."""
    if not os.path.isdir(inbox):
        yield skipped("events", f"{inbox} does not exist")
        return
    hints = EventBuffer(lambda: None)
    watch = Watch(inbox, mode, hints)
    try:
        if watch.kind != "native":
            yield polling(mode, watch.why)
        elif _arrives(inbox, hints, seconds):
            yield ok("events", f"the event for a file in {inbox} arrived")
        else:
            yield fault(
                "events", f"no event arrived for a file in {inbox} within {seconds:.0f} s; files wait for a rescan",
                "set intake.watch to poll, or intake.rescan_interval to a shorter time",
            )  # fmt: skip
    finally:
        watch.close()


def polling(mode: str, why: str) -> Check:
    """Judge an inbox that is polled, and *why*; *mode* as `intake.watch`."""
    what = f"the inbox is polled ({why})"
    if mode == "poll":
        return ok("events", what)
    return warning("events", what, "no file is lost, but files are noticed later; a folder on a local disk is faster")


def _arrives(inbox: str, hints: EventBuffer, seconds: float) -> bool:
    canary = os.path.join(os.fsencode(inbox), hidden_name())  # hidden: the intake never takes it
    deadline = time.monotonic() + seconds
    try:
        with regular.created(canary, None, 0o600) as handle:
            regular.write(handle, b"\n")
        while time.monotonic() < deadline:
            paths, overflow = hints.take()
            if overflow or canary in paths:
                return True
            time.sleep(STEP)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(canary)
    return False
