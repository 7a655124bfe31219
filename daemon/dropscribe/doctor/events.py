"""Do the system's file events arrive: tried with a canary, by the very code that the daemon watches with."""

import os
import time
from collections.abc import Iterator

from dropscribe.doctor.values import Check, fault, ok, skipped, warning
from dropscribe.intake.events import EventBuffer, Watch

CANARY = ".dropscribe-canary"  # hidden: the intake never takes it
LONGEST = 5.0  # seconds; events that are later help nobody, the next full look is near
STEP = 0.05


def seen(inbox: str, mode: str, seconds: float = LONGEST) -> Iterator[Check]:
    """Drop a hidden file into *inbox* and look whether its event comes within *seconds*; *mode* as `intake.watch`."""
    if not os.path.isdir(inbox):
        yield skipped("events", f"{inbox} is not there")
        return
    hints = EventBuffer(lambda: None)
    watch = Watch(inbox, mode, hints)
    try:
        if watch.kind != "native":
            yield polling(mode, watch.why)
        elif _arrives(inbox, hints, seconds):
            yield ok("events", f"a file in {inbox} was noticed at once")
        else:
            yield fault(
                "events", f"no event came for a file in {inbox} within {seconds:.0f} s; files wait for the next look",
                "set intake.watch to poll, or intake.rescan_interval to a shorter time",
            )  # fmt: skip
    finally:
        watch.close()


def polling(mode: str, why: str) -> Check:
    """Judge an inbox that is looked at again and again, and *why*; *mode* as `intake.watch`."""
    what = f"the inbox is looked at again and again ({why})"
    if mode == "poll":
        return ok("events", what)
    return warning(
        "events", what, "nothing is lost, files only wait a little longer; a folder on a local disk is faster"
    )


def _arrives(inbox: str, hints: EventBuffer, seconds: float) -> bool:
    canary = os.path.join(inbox, f"{CANARY}-{os.getpid()}")
    wanted = os.fsencode(canary)
    deadline = time.monotonic() + seconds
    try:
        with open(canary, "wb") as file:
            file.write(b"\n")
        while time.monotonic() < deadline:
            paths, overflow = hints.take()
            if overflow or wanted in paths:
                return True
            time.sleep(STEP)
    finally:
        if os.path.exists(canary):
            os.unlink(canary)
    return False
