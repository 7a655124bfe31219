"""Sizes of the files that keep growing: logs, and the output that launchd collects."""

import os
from collections.abc import Iterator, Sequence

from dropscribe.agent.launchd import LARGEST_OUTPUT, OUTPUT
from dropscribe.config import Settings
from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.log import KEPT, LARGEST, path
from dropscribe.memory.policy import size

WORKER_OUTPUT = "worker.log"  # what native code of a worker prints, in the state folder
LARGE_OUTPUT = 10**7  # bytes
SLACK = 10**6  # bytes beyond what rotation keeps


def sizes(settings: Settings, daemon_runs: bool = False, restart_needed: Sequence[str] = ()) -> Iterator[Check]:
    """Judge the log folder and the output of the worker and the agent."""
    if "log.folder" in restart_needed:
        what = f"the daemon still writes into its former folder, and not into {settings.log.folder}"
        yield warning("logs", what, "dropscribe install, or stop it and run it again")
    elif daemon_runs and not os.path.exists(path(settings.log.folder)):
        what = f"the daemon runs and {path(settings.log.folder)} is not there: it was moved or removed"
        yield warning("logs", what, "nothing: the daemon reopens it with its next line, or at once after SIGHUP")
    else:
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


def output(name: str, file: str, most: int) -> Check:
    """Judge a file that is not rotated."""
    try:
        found = os.stat(file).st_size
    except OSError:
        return ok(name, "empty")
    if found > most:
        return warning(name, f"{file} has {size(found)}", "check which message repeats at its end, then empty the file")
    return ok(name, f"{size(found)} in {file}")
