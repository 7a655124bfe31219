"""What locking costs a document: the same small picture opened and decoded many times, locked and not, in turn.

Run: python tests/bench/sandbox.py [ROUNDS]. Prints medians in milliseconds.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.sandbox import fonts
from dropscribe.sandbox.bounds import Bounds
from dropscribe.sandbox.lock import lock
from dropscribe.worker.decoder import Decoders

ROUNDS = 100


def document(decoders: Decoders, path: Path, settings: Settings) -> float:
    """Return the milliseconds that one document takes: process, opening, one page."""
    begun = time.perf_counter()
    descriptor = os.open(path, os.O_RDONLY)
    process = decoders.start(descriptor, path.name, settings)
    os.close(descriptor)
    with closing(process):
        process.open(bytes(path))
        process.next_page(frozenset(), 1)
    return 1000 * (time.perf_counter() - begun)


def locking() -> float:
    """Return the milliseconds of processor time of the lock alone, in a forked child."""
    reader, writer = os.pipe()
    fonts.folders()
    if os.fork() == 0:
        with tempfile.TemporaryFile() as file:
            begun = time.process_time()
            lock(Bounds(4 << 30, 1 << 30), file.fileno())
            os.write(writer, str(1000 * (time.process_time() - begun)).encode())
            os._exit(0)
    os.wait()
    os.close(writer)
    with open(reader, encoding="ascii") as answer:
        return float(answer.read())


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.png")
        Image.new("RGB", (640, 480), "white").save(path)
        settings = [checked({"intake": {"sandbox": wish}}, "bench") for wish in ("auto", "off")]
        found: tuple[list[float], list[float]] = ([], [])
        with closing(Decoders()) as decoders:
            for number in range(rounds + 5):
                for wish, times in zip(settings, found, strict=True):
                    taken = document(decoders, path, wish)
                    times.extend([taken] if number >= 5 else [])
    for name, times in zip(("locked", "not locked"), found, strict=True):
        print(f"{name}: {statistics.median(times):.2f} ms a document (best {min(times):.2f})")
    alone = [locking() for _ in range(rounds)]
    print(f"the lock alone: {statistics.median(alone):.2f} ms of processor time (best {min(alone):.2f})")


if __name__ == "__main__":
    main()
