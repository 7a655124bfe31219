"""The real command line whose daemon starts the worker with the fake engine.

With `DROPSCRIBE_KILL_AT=n` the process ends by SIGKILL at the n-th step: each call of and each return from a function
of the modules that change anything on disk is a step, on whichever thread.
"""

import itertools
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

CHANGING = ("journal", "outbox.py", "originals.py", "durable.py", "failed.py")


def kill_at(step: int, log: str | None) -> None:
    """Kill this process at its *step*-th step; write the name of the step to the file *log* first."""
    counter = itertools.count(1)
    package = str(Path(__file__).parents[1] / "daemon" / "dropscribe")

    def trace(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(package):
            return
        place = code.co_filename[len(package) + 1 :]
        if place.startswith(CHANGING[0] + os.sep) or Path(place).name in CHANGING[1:]:
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
