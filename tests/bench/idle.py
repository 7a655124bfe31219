"""What the daemon costs while it has nothing to do and no model: memory, wake-ups, processor time over a minute.

    python tests/bench/idle.py [--seconds 60]

Goals on Linux: at most 32 MB, under 0.1 % of one core.
"""

import argparse
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil
from bench_pictures import table

from support.harness import REAL_DAEMON, Daemon, wait_for


def at_rest(process: psutil.Process, seconds: float) -> tuple[float, int]:
    """Return the processor seconds and wake-ups of *process* over *seconds*, from when its start is over."""
    tick = 1 / os.sysconf("SC_CLK_TCK")  # what the system counts in
    wait_for(lambda: _spent(process, 1)[0] < tick / 2, "it has nothing to do", 60)
    return _spent(process, seconds)


def _spent(process: psutil.Process, seconds: float) -> tuple[float, int]:
    """Return what *process* spends in *seconds*, all of which it must live."""
    before, wakes = process.cpu_times(), process.num_ctx_switches().voluntary
    with suppress(psutil.TimeoutExpired):
        raise AssertionError(f"it ended with {process.wait(seconds)}")
    after = process.cpu_times()
    return after.user + after.system - before.user - before.system, process.num_ctx_switches().voluntary - wakes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        defaults = {"stable_for": "2s", "incomplete_timeout": "60s", "rescan_interval": "1m"}
        with Daemon(Path(folder), REAL_DAEMON, intake=defaults, log={"level": "info"}) as it:
            it.start()
            assert it.process is not None
            process = psutil.Process(it.process.pid)
            used, wakes = at_rest(process, seconds)
            memory = process.memory_full_info()
    table(
        ("resident, MB", "own (PSS), MB", "wake-ups a minute", "processor, % of one core"),
        (
            f"{memory.rss / 1e6:.1f}",
            f"{memory.pss / 1e6:.1f}",
            round(wakes * 60 / seconds),
            f"{100 * used / seconds:.3f}",
        ),
    )


if __name__ == "__main__":
    main()
