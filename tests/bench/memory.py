"""Measure what a model costs while it is there and what is left when it has gone, through the real daemon.

    python tests/bench/memory.py [--cycles 5] [--lives 50] [--engines fake rapidocr tiny] [--plot readings.png]

Each cycle: a picture is dropped, the model loads while it settles, reads, is idle, trims, and is told to unload. Prints
Markdown and draws the footprints over time. It checks nothing: `tests/service/test_lifecycle.py` does.
"""

import argparse
import itertools
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from PIL import Image, ImageDraw, ImageFont  # noqa: E402  # the line above finds it

from dropscribe.memory import readings  # noqa: E402  # the line above finds it
from support.fakes import picture  # noqa: E402
from support.harness import FAKE_DAEMON, REAL_DAEMON, Daemon  # noqa: E402

MB = 10**6
HELD = 512  # MB of the fake engine
SETTLE, TRIM_AFTER = 3.0, 5.0  # seconds: time enough to look at it loaded, and read but not trimmed
FAR = "never"
COLUMNS = ("loaded", "after reading", "after the trim", "after the release", "after the exit")
COLOURS = {"loading": "#f4d58d", "warm": "#bde0c0", "busy": "#7fb3d5", "unloading": "#e6a8a8"}


@dataclass
class Subject:
    """An engine to measure: how its daemon is started, with which settings, and a picture for it."""

    name: str
    command: list[str]
    drop: Callable[[Path, int], None]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    fake: dict[str, Any] | None = None


@dataclass
class Cycle:
    """What one life of a model cost, in bytes and seconds."""

    marks: dict[str, int]
    seconds: float  # from the decision to the end of the process
    gain: int | None  # of the machine's available memory, within 10 s
    how: str
    daemon: int  # resident bytes of the daemon, idle, after the exit


@dataclass
class Look:
    """One moment of the plot."""

    at: float
    state: str
    daemon: int
    worker: int


def main() -> int:
    """Measure what there is; return the exit code."""
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="dropscribe-bench-") as scratch:
        root, results, plots = Path(scratch), {}, {}
        for subject in subjects(root, args.engines):
            with watched(subject, root / subject.name) as (daemon, looks):
                before = daemon.resident()
                cycles = [cycle(daemon, subject, number) for number in range(args.cycles)]
            results[subject.name], plots[subject.name] = (before, cycles), looks
        lives = many_lives(root / "lives", args.lives) if args.lives else None
    report(results, lives)
    if args.plot and plots:
        draw(plots, args.plot)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--lives", type=int, default=50, help="lives of the fake model for the daemon's own memory")
    parser.add_argument("--engines", nargs="+", default=["fake", "rapidocr", "tiny"])
    parser.add_argument("--plot", default=str(Path(__file__).with_name("memory.png")))
    return parser.parse_args()


# -- what is measured


def subjects(root: Path, wanted: Sequence[str]) -> Iterator[Subject]:
    """Yield the engines of *wanted* that can run here; say in a sentence which cannot."""
    if "fake" in wanted:
        options = {"hold_mb": HELD, "cache_mb": 128, "work": True}
        yield Subject("fake", FAKE_DAEMON, lambda path, n: (picture(path, n), None)[1], fake=options)
    if "rapidocr" in wanted:
        yield Subject("rapidocr", REAL_DAEMON, letter)
    if "tiny" in wanted:
        try:
            checkpoint = build_tiny(root / "tiny-checkpoint")
        except ImportError as error:
            print(f"deepseek-ocr (tiny) is not measured: {error}.", file=sys.stderr)
            return
        worker = [sys.executable, str(TESTS / "support" / "stub_sam_worker.py")]
        code = f"import sys; from dropscribe import cli; sys.exit(cli.main(worker={worker!r}))"
        engine = {"name": "deepseek-ocr", "model": str(checkpoint), "mode": "base", "cross_check": "off"}
        yield Subject("tiny", [sys.executable, "-c", code], letter, {"engine": engine})


def build_tiny(folder: Path) -> Path:
    """Build the tiny checkpoint of the engine's own tests."""
    from support import tiny_checkpoint

    with tiny_checkpoint.stub_sam():
        return Path(tiny_checkpoint.build(folder))


def letter(path: Path, number: int) -> None:
    """Write a page of forty lines."""
    image = Image.new("RGB", (1240, 1754), "white")
    draw_on, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for line in range(40):
        draw_on.text((90, 80 + 40 * line), f"{number}.{line} The quick brown fox jumps over {line * 37}", "black", font)
    hidden = path.with_name("." + path.name)
    image.save(hidden, "PNG")
    hidden.rename(path)


@contextmanager
def watched(subject: Subject, root: Path) -> Iterator[tuple[Daemon, list[Look]]]:
    """Run a daemon for *subject* and look at it five times a second."""
    model = {"idle_timeout": FAR, "clear_cache_after": TRIM_AFTER}
    daemon = Daemon(root, subject.command, model=model, intake={"stable_for": SETTLE}, **subject.settings)
    if subject.fake:
        daemon.fake(**subject.fake)
    looks: list[Look] = []
    end = threading.Event()
    with daemon.start():
        thread = threading.Thread(target=watch, args=(daemon, looks, end))
        thread.start()
        try:
            yield daemon, looks
        finally:
            end.set()
            thread.join()


def watch(daemon: Daemon, looks: list[Look], end: threading.Event) -> None:
    """Note state and footprints until told to end."""
    begun = time.monotonic()
    while not end.wait(0.2):
        model = daemon.status()["model"]
        worker = readings.footprint(model["pid"]) if model["pid"] else 0
        looks.append(Look(time.monotonic() - begun, model["state"], daemon.resident(), worker or 0))


def cycle(daemon: Daemon, subject: Subject, number: int) -> Cycle:
    """Let a model come, read and go; return what it cost."""
    subject.drop(daemon.inbox / f"{number}.png", number)
    model = daemon.wait_status(lambda s: s["model"]["loaded_at"], "it is loaded", 120)["model"]
    pid, marks = model["pid"], {"loaded": model["footprint_bytes"]}
    daemon.wait_status(lambda s: s["queue"]["done"] == number + 1, "it is read", 300)
    marks["after reading"] = readings.footprint(pid) or 0
    daemon.wait_status(lambda s: (s["model"]["idle_seconds"] or 0) > TRIM_AFTER + 1, "it is trimmed")
    marks["after the trim"] = readings.footprint(pid) or 0
    daemon.ask("unload")
    status = daemon.wait_status(lambda s: s["model"]["pid"] is None, "it is gone")
    marks["after the release"] = status["model"]["last_unload"]["residue_bytes"]
    marks["after the exit"] = readings.footprint(pid) or 0
    assert marks["after the exit"] == 0 and not psutil.pid_exists(pid), "the process is gone"
    seen = time.monotonic()
    last = daemon.wait_status(lambda s: time.monotonic() > seen + 5.5, "the machine was watched")["model"][
        "last_unload"
    ]
    return Cycle(marks, last["seconds"], last["available_gain_bytes"], last["how"], daemon.resident())


def many_lives(root: Path, count: int) -> list[int]:
    """Return the daemon's resident bytes at the start and after each of *count* lives of a small fake model."""
    daemon = Daemon(root, model={"idle_timeout": 0, "prewarm": False}, log={"level": "info"})
    daemon.fake(hold_mb=64, work=True)
    with daemon.start():
        sizes = [daemon.resident()]
        for number in range(count):
            picture(daemon.inbox / f"{number}.png", number)
            daemon.wait_status(
                lambda s: s["queue"]["done"] == len(sizes) and not s["model"]["pid"], "one life is over", 60
            )
            sizes.append(daemon.resident())
    return sizes


# -- what is told


def mb(value: float) -> str:
    return f"{value / MB:.0f}"


def slope(values: Sequence[float]) -> str:
    """Return the growth for each cycle in MB, by least squares."""
    if len(values) < 2:
        return "-"
    return f"{statistics.linear_regression(range(len(values)), values).slope / MB:+.2f}"


def report(results: dict[str, tuple[int, list[Cycle]]], lives: list[int] | None) -> None:
    """Print the figures: means over the cycles, in MB."""
    total = psutil.virtual_memory().total / 1e9
    print(f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} processors, {total:.1f} GB\n")
    print("| engine | " + " | ".join(COLUMNS) + " | machine got back | decision to end | slope loaded / read |")
    print("|---" * (len(COLUMNS) + 4) + "|")
    for name, (_, cycles) in results.items():
        means = [mb(statistics.mean(c.marks[column] for c in cycles)) for column in COLUMNS]
        gain = mb(statistics.mean(c.gain or 0 for c in cycles))
        seconds = f"{statistics.mean(c.seconds for c in cycles):.2f} s (max {max(c.seconds for c in cycles):.2f})"
        slopes = " / ".join(slope([c.marks[column] for c in cycles]) for column in COLUMNS[:2])
        print(f"| {name} | {' | '.join(means)} | {gain} | {seconds} | {slopes} |")
    ends = [c.how for _, cycles in results.values() for c in cycles]
    print("\nHow the workers ended: " + ", ".join(f"{how} {ends.count(how)}" for how in sorted(set(ends))))
    print("\n| daemon beside | resident at the start | after the cycles | slope |\n|---|---|---|---|")
    for name, (before, cycles) in results.items():
        sizes = [c.daemon for c in cycles]
        print(f"| {name} ({len(cycles)} cycles) | {before / MB:.1f} | {sizes[-1] / MB:.1f} | {slope(sizes)} |")
    if lives:
        first, last = lives[0] / MB, lives[-1] / MB
        print(f"| fake, small ({len(lives) - 1} lives) | {first:.1f} | {last:.1f} | {slope(lives)} |")
        print(f"\nAfter the first life {lives[1] / MB:.1f} MB, after the last {lives[-1] / MB:.1f} MB.")


def draw(plots: dict[str, list[Look]], path: str) -> None:
    """Draw the footprints over time, one panel an engine, the states of the model behind them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import patches, pyplot

    figure, panels = pyplot.subplots(len(plots), 1, figsize=(11, 3 * len(plots)), squeeze=False, layout="constrained")
    for panel, (name, looks) in zip(panels[:, 0], plots.items(), strict=True):
        at = [look.at for look in looks]
        for before, after in itertools.pairwise(looks):
            if before.state in COLOURS:
                panel.axvspan(before.at, after.at, color=COLOURS[before.state], lw=0)
        panel.plot(at, [look.worker / MB for look in looks], color="#1b4965", label="worker (footprint)")
        panel.plot(at, [look.daemon / MB for look in looks], color="#c1121f", label="daemon (resident)")
        panel.set(title=name, xlabel="seconds", ylabel="MB", xlim=(0, at[-1]), ylim=(0, None))
    handles = [patches.Patch(color=colour, label=state) for state, colour in COLOURS.items()]
    lines = panels[0, 0].get_legend_handles_labels()[0]
    figure.legend(handles=[*lines, *handles], loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
