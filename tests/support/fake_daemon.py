"""The real command line whose daemon starts the worker with the fake engine.

With `DROPSCRIBE_KILL_AT=n` the process ends by SIGKILL at the n-th step: each call of and each return from a function
that changes anything on disk is a step, on whichever thread; for the journal that is before and after the beginning and
the end of every transaction.
"""

import itertools
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

ALL: frozenset[str] = frozenset()
CHANGING = {
    "journal/journal.py": frozenset({"_writing"}),
    "files/outbox.py": frozenset({"prepare", "publish", "_publish_one", "_hidden_copy", "take_back"}),
    "files/staging.py": frozenset({"write", "sweep"}),
    "files/originals.py": frozenset({"move", "_settle_both", "_across", "delete"}),
    "files/notes.py": frozenset({"write"}),
    "files/ledger.py": frozenset({"record", "forget"}),
    "files/places.py": frozenset({"make"}),
    "files/durable.py": ALL,
    "service/retry.py": frozenset({"give_back", "_remove_note", "_move_to_free"}),
}


def kill_at(step: int, log: str | None) -> None:
    """Kill this process at its *step*-th step; write the name of the step to the file *log* first."""
    counter = itertools.count(1)
    package = str(Path(__file__).parents[2] / "daemon" / "dropscribe")

    def trace(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(package):
            return
        place = code.co_filename[len(package) + 1 :]
        names = CHANGING.get(place)
        if names is not None and (names is ALL or code.co_name in names):
            number = next(counter)
            if number == step:
                if log:
                    Path(log).write_text(f"{number} {event} {place}:{code.co_name}\n")
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(trace)
    sys.setprofile(trace)


if __name__ == "__main__":
    from dropscribe import cli

    if "DROPSCRIBE_KILL_AT" in os.environ:
        kill_at(int(os.environ["DROPSCRIBE_KILL_AT"]), os.environ.get("DROPSCRIBE_KILL_LOG"))
    sys.exit(cli.main(worker=[sys.executable, str(Path(__file__).with_name("fake_worker.py"))]))
