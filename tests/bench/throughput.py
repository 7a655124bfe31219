"""Pages a second of single pictures through the daemon, divided by the same engine called in a plain loop over them.

    python tests/bench/throughput.py [--engines rapidocr tiny] [--at-once 1 4 8] [--pages 12] [--rounds 3]

The plain loop opens a file and reads it, one after the other; the full one gives all their pages to the engine at once,
so that it can keep its batch full. All three run in turn in this call, each in a process as fresh as a worker is;
loading is not counted. `tiny` is deepseek-ocr with the tests' tiny checkpoint on MLX's CPU, `engine.pages_at_once` as
told. Goal: 1.0 against the plain loop. The last column is the sum of the pages' seconds, as the daemon's JSON tells
them, divided by the time: how many pages the engine had in hand on average.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench_pictures import page, table  # first: it finds the harness

from dropscribe.config import Settings, checked
from dropscribe.core.pages import Page
from dropscribe.documents.opening import open_document
from dropscribe.engines import registry
from dropscribe.engines.base import Signals
from dropscribe.engines.session import engine_session
from dropscribe.memory import readings
from support import tiny_checkpoint
from support.harness import REAL_DAEMON, Daemon, left, wait_for
from support.pages import Pages

STUB_WORKER = Path(tiny_checkpoint.__file__).with_name("stub_sam_worker.py")
LONG = 900.0  # seconds
Sections = dict[str, dict[str, Any]]


def tiny_daemon() -> list[str]:
    """Return the command line of a daemon whose worker knows the small vision tower."""
    worker = [sys.executable, str(STUB_WORKER)]
    code = f"import sys; from dropscribe import cli; sys.exit(cli.main(sys.argv[1:], worker={worker!r}))"
    return [sys.executable, "-c", code]


def build(folder: Path) -> Path:
    """Return a tiny checkpoint, built in a process of its own."""
    code = "import sys; from pathlib import Path; from support import tiny_checkpoint as t\n"
    code += "with t.stub_sam(): t.build(Path(sys.argv[1]))"
    line = [sys.executable, "-c", code, str(folder)]
    subprocess.run(line, check=True, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL)
    return folder / "mlx"


def sections(engine: str, rows: int | str, checkpoint: Path | None) -> Sections:
    """Return the settings for loops and daemon; the tiny model answers with 40 tokens."""
    if engine == "rapidocr":
        return {"engine": {"name": engine}}
    words = {"prompt": "Recite the numbers.", "mode": "base", "model": str(checkpoint), "pages_at_once": rows}
    return {"engine": {"name": "deepseek-ocr", "cross_check": "off", **words}, "intake": {"orientation": "off"}}


# -- the loops


def loop(kind: str, settings: Sections, files: list[Path]) -> float:
    """Return the seconds that a plain or full loop takes in a process of its own.

    In one that has read before, memory need not be fetched from the system again, which is worth a fifth.
    """
    line = [sys.executable, __file__, "--loop", kind, json.dumps(settings), *map(str, files)]
    return float(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def child(kind: str, given: str, *files: str) -> None:
    """Read *files* in a loop of this kind and print the seconds."""
    readings.one_heap()  # as a worker
    settings = checked(json.loads(given), "bench")
    name = settings.engine.name
    with (
        tiny_checkpoint.stub_sam() if name == "deepseek-ocr" else nullcontext(),
        engine_session(registry.create(name, settings, Signals()), lambda progress: None) as engine,
    ):
        list(engine.read(Pages(opened(files[:1], settings))))
        begun = time.perf_counter()
        for some in [list(files)] if kind == "full" else [[file] for file in files]:
            list(engine.read(Pages(opened(some, settings))))
        print(time.perf_counter() - begun)
    registry.finish_thread()


def opened(files: list[str] | tuple[str, ...], settings: Settings) -> Iterator[Page]:
    """Yield the pages of *files*, each opened when its turn has come."""
    for file in files:
        yield from open_document(file, settings).pages()


# -- the daemon


def daemon(root: Path, command: list[str], settings: Sections, files: list[Path]) -> tuple[float, float]:
    """Return the seconds from the moment the queue is let go to the last text, and the sum of the pages' seconds."""
    with Daemon(root, command, **settings, output={"cache": False, "formats": ["json", "txt"]}) as it:
        it.start()
        shutil.copy(files[0], it.inbox / "warm.png")
        it.wait_status(lambda s: s["queue"]["done"] == 1, "the model is warm", LONG)
        it.ask("pause")
        for file in files:
            shutil.copy(file, it.inbox)
        it.wait_status(lambda s: s["queue"]["queued"] == len(files), "all are queued")
        begun = time.perf_counter()
        it.ask("resume")
        # Asking for the status would cost the daemon.
        wait_for(lambda: len(left(it.outbox)) == 2 + 2 * len(files), "all is there", LONG)
        seconds = time.perf_counter() - begun
        texts = [json.loads((it.outbox / f"{file.stem}.json").read_text()) for file in files]
    return seconds, sum(page["seconds"] for text in texts for page in text["pages"])


def compare(settings: Sections, options: argparse.Namespace) -> list[tuple[float, ...]]:
    """Return for each round: plain, full and daemon's seconds, and pages in hand."""
    command = REAL_DAEMON if settings["engine"]["name"] == "rapidocr" else tiny_daemon()
    found = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            files = [page(Path(folder) / "src" / f"{n}.png", n, options.lines) for n in range(options.pages)]
            plain, full = (loop(kind, settings, files) for kind in ("plain", "full"))
            seconds, pages = daemon(Path(folder) / "daemon", command, settings, files)
        found.append((plain, full, seconds, pages / seconds))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", nargs="+", choices=("rapidocr", "tiny"), default=["rapidocr", "tiny"])
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 4, 8], help="pages, for the tiny model")
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--lines", type=int, default=40, help="of text on a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        child(*options.loop)
        return
    rows: list[tuple[object, ...]] = [
        ("engine", "round", "plain loop, s", "full loop, s", "daemon, s", "daemon / plain", "daemon / full", "in hand")
    ]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = build(Path(folder) / "tiny") if "tiny" in options.engines else None
        for engine in options.engines:
            for at_once in options.at_once if engine == "tiny" else ["auto"]:
                found = compare(sections(engine, at_once, checkpoint), options)
                rows += told(f"{engine}, at once: {at_once}", found)
    table(*rows)


def told(name: str, found: list[tuple[float, ...]]) -> Iterator[tuple[object, ...]]:
    """Yield a row a round, and one of the medians of the ratios (pages a second)."""
    ratios = [(plain / seconds, full / seconds, pages) for plain, full, seconds, pages in found]
    for number, (times, each) in enumerate(zip(found, ratios, strict=True), 1):
        yield name, number, *(f"{value:.2f}" for value in (*times[:3], *each))
    yield name, "median", "", "", "", *(f"{statistics.median(column):.2f}" for column in zip(*ratios, strict=True))


if __name__ == "__main__":
    main()
