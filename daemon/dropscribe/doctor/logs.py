"""Sizes of what is written without end unless somebody looks: logs, and what launchd collects."""

import os
from collections.abc import Iterator

from dropscribe.agent.launchd import LARGEST_OUTPUT, OUTPUT
from dropscribe.config import Settings
from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.log import KEPT, LARGEST
from dropscribe.memory.policy import size

NOISE = "worker.log"  # what native code of a worker prints, in the state folder
LARGE_NOISE = 10**7  # bytes
SLACK = 10**6  # bytes beyond what rotation keeps


def sizes(settings: Settings) -> Iterator[Check]:
    """Judge the log folder and the worker's noise."""
    yield own(settings.log.folder)
    yield noise("agent log", os.path.join(settings.log.folder, OUTPUT), 10 * LARGEST_OUTPUT)
    yield noise("worker log", os.path.join(settings.folders.state, NOISE), LARGE_NOISE)


def own(folder: str) -> Check:
    """Judge the daemon's own log in *folder*, which is rotated and so has a bound."""
    try:
        found = [entry.stat().st_size for entry in os.scandir(folder) if entry.name.startswith("dropscribe.log")]
    except OSError as error:
        return skipped("logs", f"{folder} cannot be looked at ({error.strerror})")
    text = f"{size(sum(found))} in {len(found)} files in {folder}"
    if sum(found) > LARGEST * (KEPT + 1) + SLACK:
        return warning(
            "logs", f"{text}: more than rotation should leave", "remove the older ones; is the folder shared?"
        )
    return ok("logs", text)


def noise(name: str, path: str, most: int) -> Check:
    """Judge a file that nobody rotates."""
    try:
        found = os.stat(path).st_size
    except OSError:
        return ok(name, "nothing was printed")
    if found > most:
        return warning(name, f"{path} has {size(found)}", "look what repeats at its end, then empty the file")
    return ok(name, f"{size(found)} in {path}")
