"""The daemon with the fake engine and a wall clock that runs ahead by the seconds in the file `DROPSCRIBE_AHEAD` names.

So it looks from inside when the machine has slept: the monotonic clock has stood still, the wall clock has not.
"""

import os
import sys
import time
from pathlib import Path

AHEAD = Path(os.environ["DROPSCRIBE_AHEAD"])
real = time.time


def wall() -> float:
    """Return the time on the wall."""
    return real() + (float(AHEAD.read_text()) if AHEAD.exists() else 0.0)


if __name__ == "__main__":
    from dropscribe import cli

    time.time = wall
    sys.exit(cli.main(worker=[sys.executable, str(Path(__file__).with_name("fake_worker.py"))]))
