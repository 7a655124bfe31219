"""What the daemon costs while it has nothing to do and no model: memory, wake-ups, processor time over a minute.

    python tests/bench/idle.py [--seconds 60]

Goals on Linux: at most 32 MB, under 0.1 % of one core.
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil
from bench_pictures import table

from support.harness import REAL_DAEMON, Daemon


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
            time.sleep(3)
            memory, cpu, wakes = process.memory_full_info(), process.cpu_times(), process.num_ctx_switches().voluntary
            time.sleep(seconds)
            after = process.cpu_times()
            used = after.user + after.system - cpu.user - cpu.system
            wakes = process.num_ctx_switches().voluntary - wakes
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
