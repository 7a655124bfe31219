"""Pages a second of deepseek-ocr through the whole daemon, divided by a plain loop over mlx-vlm at the same pages.

    python tests/bench/gpu_daemon.py [--size full|tiny] [--pages 16] [--tokens 150] [--work DIR]

The checkpoint is that of `gpu_deepseek.py` (random weights: every attempt runs to --tokens). The pages go through the
daemon twice, as so many pictures (read one at a time) and as one document (several pages at once where the device
allows it); the plain loop then makes the attempts that the daemon's JSON tells of, with the same arguments. All in one
call on one machine; loading and the compiling of kernels are not counted. Prints Markdown. Needs no pytest.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import gpu_deepseek  # noqa: E402  # found by the line above; it finds the package and the checkpoint maker

sys.path.insert(0, str(HERE.parent))

from support.harness import Daemon  # noqa: E402  # the line above finds it

LONG = 900.0  # seconds: the first page ever compiles kernels
STUB_WORKER = HERE.parent / "support" / "stub_sam_worker.py"


def command(size: str) -> list[str]:
    """Return the command line of the daemon; the small tower needs a worker that knows it."""
    if size == "full":
        return [sys.executable, "-m", "dropscribe"]
    worker = [sys.executable, str(STUB_WORKER)]
    code = f"import sys; from dropscribe import cli; sys.exit(cli.main(sys.argv[1:], worker={worker!r}))"
    return [sys.executable, "-c", code]


def sections(options: argparse.Namespace, checkpoint: Path) -> dict[str, Any]:
    """Return the settings of the daemon."""
    engine = {"name": "deepseek-ocr", "model": str(checkpoint), "mode": "gundam", "prompt": "figure"}
    engine |= {"max_tokens": options.tokens, "page_timeout": "1h", "page_budget": "2h"}
    intake = {"stable_for": "500ms", "incomplete_timeout": "60s", "orientation": "off"}
    return {"engine": engine, "intake": intake, "output": {"formats": ["json"], "cache": False}}


def drop(daemon: Daemon, put: Callable[[Path], int]) -> float:
    """Queue what *put* puts into the inbox (it returns how many files); return the seconds until all is read."""
    before = daemon.status()["queue"]["done"]
    daemon.ask("pause")
    count = put(daemon.inbox)
    daemon.wait_status(lambda s: s["queue"]["queued"] == count, "all are queued", LONG)
    begun = time.perf_counter()
    daemon.ask("resume")
    daemon.wait_status(lambda s: s["queue"]["done"] == before + count, "all are read", LONG)
    return time.perf_counter() - begun


def pictures(pages: list[Any], name: str) -> Callable[[Path], int]:
    """Return what puts *pages* into a folder, a file each."""

    def put(inbox: Path) -> int:
        for page in pages:
            page.image.save(inbox / f"{name}-{page.number}.png", compress_level=1)
        return len(pages)

    return put


def document(pages: list[Any], name: str) -> Callable[[Path], int]:
    """Return what puts *pages* into a folder as one TIFF."""

    def put(inbox: Path) -> int:
        first, *rest = (page.image.copy() for page in pages)  # saving as PNG leaves its options on an image
        first.save(inbox / f"{name}.tiff", save_all=True, append_images=rest)
        return 1

    return put


def through_daemon(options: argparse.Namespace, checkpoint: Path, root: Path) -> Iterator[tuple[str, float, list[Any]]]:
    """Yield each way in with its seconds and the pages as the daemon's JSON tells of them."""
    pages = gpu_deepseek.pages_of(options.pages)
    with Daemon(root, command(options.size), **sections(options, checkpoint)) as daemon:
        daemon.start()
        for name, put in (("pictures", pictures), ("one document", document)):
            drop(daemon, put(pages if put is document else pages[:2], f"warm {name}"))
            seconds = drop(daemon, put(pages, name))
            told = [json.loads(path.read_text()) for path in sorted(daemon.outbox.glob(f"{name}*.json"))]
            yield name, seconds, [page for one in told for page in one["pages"]]


def child_plain(options: argparse.Namespace) -> None:
    """Make the attempts that --attempts tells of with nothing but mlx-vlm; print the seconds."""
    from dropscribe.engines.base import Signals
    from dropscribe.engines.deepseek.engine import DeepSeekOcr
    from dropscribe.engines.deepseek.release import finish_thread

    texts = [
        SimpleNamespace(number=number, attempts=[SimpleNamespace(**attempt) for attempt in attempts])
        for number, attempts in enumerate(json.loads(options.attempts.read_text()), 1)
    ]
    options.cache = None
    engine = DeepSeekOcr(gpu_deepseek.settings_of(options), Signals(), rows=1)
    engine.load(lambda progress: None)
    pages = gpu_deepseek.pages_of(len(texts))
    gpu_deepseek.plain(engine, pages[:2], texts)
    begun = time.perf_counter()
    gpu_deepseek.plain(engine, pages, texts)
    print(time.perf_counter() - begun)
    engine.unload()
    finish_thread()


def plain_loop(options: argparse.Namespace, checkpoint: Path, pages: list[Any], work: Path) -> float:
    """Return the seconds of the plain loop at the attempts of *pages*, measured in a process of its own."""
    attempts = work / "attempts.json"
    attempts.write_text(json.dumps([page["attempts"] for page in pages]))
    line = [sys.executable, __file__, "--child", "plain", "--size", options.size, "--tokens", str(options.tokens)]
    line += ["--attempts", str(attempts), "--checkpoint", str(checkpoint)]
    return float(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def main() -> None:
    """Measure, or be the child that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--pages", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=150, help="of each attempt")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "dropscribe-bench")
    parser.add_argument("--child", choices=("plain",), help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--attempts", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        with gpu_deepseek.tower(options.size):
            child_plain(options)
        return
    line = [sys.executable, gpu_deepseek.__file__, "--child", "build", "--size", options.size]
    subprocess.run([*line, "--work", str(options.work)], check=True)
    print(
        f"# deepseek-ocr through the daemon, {options.size}: {options.pages} pages, {options.tokens} tokens an attempt"
    )
    print("\n| way | attempts | tokens | seconds | pages/s | tokens/s | ratio to the plain loop |\n" + "|---" * 7 + "|")
    checkpoint, plain = options.work / options.size, 0.0
    with tempfile.TemporaryDirectory(prefix="dropscribe-") as folder:
        for name, seconds, pages in through_daemon(options, checkpoint, Path(folder)):
            if not plain:
                plain = plain_loop(options, checkpoint, pages, Path(folder))
                tell("plain mlx-vlm", plain, pages, plain)
            tell(name, seconds, pages, plain)


def tell(name: str, seconds: float, pages: list[Any], plain: float) -> None:
    """Print a row of the table."""
    attempts = [attempt for page in pages for attempt in page["attempts"]]
    tokens = sum(attempt["tokens"] for attempt in attempts)
    speeds = (f"{seconds:.2f}", f"{len(pages) / seconds:.3f}", f"{tokens / seconds:.1f}", f"{plain / seconds:.2f}")
    gpu_deepseek.row(name, len(attempts), tokens, *speeds)


if __name__ == "__main__":
    main()
