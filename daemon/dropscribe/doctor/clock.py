"""Clock and sleep: files that seem to come from the future, a machine that may go to sleep."""

import os
import sys
import time
from collections.abc import Iterator

from dropscribe.desktop import power
from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.files import regular
from dropscribe.files.naming import hidden_name

BUILT = 1_767_225_600.0  # 2026-01-01: a correct clock is later
APART = 60.0  # seconds


def all_of(inbox: str) -> Iterator[Check]:
    """Compare this machine's clock with that of the inbox's file system, and report what prevents sleep."""
    yield clock(time.time(), _stamp(inbox))
    yield sleep(sys.platform, power.command() is not None)


def _stamp(folder: str) -> float | None:
    """Return the time that the file system of *folder* gives a new file (a server's own, on a share)."""
    path = os.path.join(os.fsencode(folder), hidden_name())
    try:
        with regular.created(path, None, 0o600) as handle:
            stamp = os.fstat(handle).st_mtime
        os.unlink(path)
    except OSError:
        return None  # permissions are another check
    return stamp


def clock(now: float, stamp: float | None) -> Check:
    """Judge wall-clock seconds *now* against *stamp*, the time of a file made at the same moment."""
    if now < BUILT:
        return warning(
            "clock", f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set the machine's clock"
        )
    if stamp is None:
        return skipped("clock", "no file can be created in the inbox to compare with")
    if abs(now - stamp) > APART:
        what = f"the clock of the inbox's disk differs by {abs(now - stamp):.0f} s; file times are misleading"
        return warning("clock", what, "set the clock of the machine that shares the folder")
    return ok("clock", "this machine and the inbox's disk have the same time")


def sleep(platform: str, has_caffeinate: bool) -> Check:
    """Report whether the machine stays awake while pages are read; *platform* as in `sys.platform`."""
    if platform != "darwin":
        return skipped("sleep", "Dropscribe prevents sleep on a Mac only; elsewhere work continues after waking")
    if has_caffeinate:
        return ok("sleep", "the Mac is kept awake while pages are read; a closed lid still puts it to sleep")
    return warning(
        "sleep",
        "caffeinate was not found: the Mac may go to sleep during a page",
        "nothing needs to be done: work continues after waking",
    )
