"""Sizes of the files that keep growing: logs, and the output that launchd collects."""

import os
from collections.abc import Iterator

from dropscribe.agent.launchd import LARGEST_OUTPUT, OUTPUT
from dropscribe.config import Settings
from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.log import KEPT, LARGEST
from dropscribe.memory.policy import size

WORKER_OUTPUT = "worker.log"  # what native code of a worker prints, in the state folder
LARGE_OUTPUT = 10**7  # bytes
SLACK = 10**6  # bytes beyond what rotation keeps


def sizes(settings: Settings) -> Iterator[Check]:
    """Judge the log folder and the output of the worker and the agent."""
    yield own(settings.log.folder)
    yield output("agent log", os.path.join(settings.log.folder, OUTPUT), 10 * LARGEST_OUTPUT)
    yield output("worker log", os.path.join(settings.folders.state, WORKER_OUTPUT), LARGE_OUTPUT)


def own(folder: str) -> Check:
    """Judge the daemon's own log in *folder*, whose size rotation limits."""
    try:
        found = [entry.stat().st_size for entry in os.scandir(folder) if entry.name.startswith("dropscribe.log")]
    except OSError as error:
        return skipped("logs", f"{folder} cannot be read ({error.strerror})")
    text = f"{size(sum(found))} in {len(found)} files in {folder}"
    if sum(found) > LARGEST * (KEPT + 1) + SLACK:
        return warning(
            "logs", f"{text}: more than rotation should keep", "remove the older files; is the folder shared?"
        )
    return ok("logs", text)


def output(name: str, path: str, most: int) -> Check:
    """Judge a file that is not rotated."""
    try:
        found = os.stat(path).st_size
    except OSError:
        return ok(name, "empty")
    if found > most:
        return warning(name, f"{path} has {size(found)}", "check which message repeats at its end, then empty the file")
    return ok(name, f"{size(found)} in {path}")
