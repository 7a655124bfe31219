"""Measure how well pages are read, against the corpora beside the checkout.

    python tests/bench/accuracy.py read --engine dropscribe --save ours.json
    python tests/bench/accuracy.py read --engine alone --save alone.json
    python tests/bench/accuracy.py outputs OUTBOX --save daemon.json
    python tests/bench/accuracy.py compare alone.json ours.json
    python tests/bench/accuracy.py read --pictures FOLDER     pages that layouts.py or browser_pages.py made

It scores with `shared/tools/score.py` and decides nothing by itself: `compare` only lists what became worse.
"alone" is RapidOCR with its defaults but without its line classifier, one call a page, on the same pictures.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import bench_pictures  # noqa: F401  # it finds what supports the tests

from dropscribe.config import Settings, checked
from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import Page, PageFailure
from dropscribe.documents.opening import open_document
from support.pages import Pages

SHARED = Path(__file__).parents[3] / "shared"
WORSE = 0.02  # character error rate

Reads = Callable[[Iterator[Page]], Iterator[str]]


def main() -> int:
    """Run one command; return the exit code."""
    args = _arguments()
    if args.command == "compare":
        return compare(args.before, args.after)
    scorer = load_scorer(SHARED / "tools" / "score.py")
    if scorer is None or not (SHARED / "corpora" / "index.jsonl").is_file():
        print(f"nothing measured: there are no corpora or no score.py in {SHARED}")
        return 0
    entries, root = made(args.pictures) if args.pictures else (wanted(scorer, args.only), SHARED / "corpora")
    with tempfile.TemporaryDirectory() as scratch:
        folder, seconds = Path(args.texts or scratch), {}
        if args.command == "read":
            folder.mkdir(parents=True, exist_ok=True)
            seconds = read_all(entries, root, folder, {"alone": alone, "dropscribe": dropscribe}[args.engine])
        else:
            folder = Path(args.folder)
        result = scorer.score(entries, root, folder)
    show(result, seconds)
    if args.save:
        files = [row | seconds.get(row["id"], {}) for row in result["files"]]
        Path(args.save).write_text(json.dumps(result | {"files": files}, indent=1), "utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how well pages are read.")
    commands = parser.add_subparsers(dest="command", required=True)
    read = commands.add_parser("read", help="read the corpora here and now")
    read.add_argument("--engine", choices=("dropscribe", "alone"), default="dropscribe")
    read.add_argument("--texts", help="keep the texts in this folder")
    outputs = commands.add_parser("outputs", help="score texts that the daemon wrote")
    outputs.add_argument("folder")
    outputs.set_defaults(texts=None)
    for command in (read, outputs):
        command.add_argument("--pictures", metavar="FOLDER", help="made-up pages in place of the corpora")
        command.add_argument("--only", nargs="+", default=[], metavar="ID", help="only these entries of the index")
        command.add_argument("--save", metavar="FILE", help="write the result of every file here, as JSON")
    against = commands.add_parser("compare", help="list the files that one result has worse than another")
    against.add_argument("before")
    against.add_argument("after")
    return parser.parse_args()


def load_scorer(path: Path) -> ModuleType | None:
    """Return score.py as a module; None where it is not there."""
    spec = spec_from_file_location("corpus_score", path)
    if not path.is_file() or spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wanted(scorer: ModuleType, only: list[str]) -> list[dict[str, Any]]:
    """Return the open entries of the index that have a known text, or are known to have none."""
    lines = (scorer.read(SHARED / "corpora" / "index.jsonl") or "").splitlines()
    entries = [entry for entry in map(json.loads, filter(str.strip, lines)) if entry["split"] == "open"]
    known = [e for e in entries if e["kind"] == "ocr-gt" or "no-text" in e["tags"]]
    return [e for e in known if not only or e["id"] in only]


def made(folder: str) -> tuple[list[dict[str, Any]], Path]:
    """Return the pages in *folder* (KIND-SEED.png beside KIND-SEED.txt) as entries, and where their paths start."""
    names = [picture.stem for picture in sorted(Path(folder).glob("*.png"))]
    return [
        {"id": n, "path": n + ".png", "ground_truth": n + ".txt", "kind": "ocr-gt", "tags": [n.split("-")[0]]}
        for n in names
    ], Path(folder)


def read_all(
    entries: list[dict[str, Any]], root: Path, folder: Path, engine: Callable[[], Reads]
) -> dict[str, dict[str, float]]:
    """Read every entry into *folder*, as score.py wants it; return seconds (of the engine) and pages by id."""
    read, measured = engine(), {}
    settings = checked({"intake": {"pdf_text": "never"}} if engine is alone else {}, "the bench")
    for entry in entries:
        clock, texts = Clock(), []
        try:
            with closing(open_document(os.fspath(root / entry["path"]), settings)) as document:
                texts = list(read(clock.outside(document.pages())))
        except ReasonedError as error:
            print(f"{entry['id']}: {error.reason}: {error}", file=sys.stderr)
        measured[entry["id"]] = {"seconds": round(clock.seconds(), 3), "pages": len(texts)}
        name = entry["id"].replace("/", "_").replace("\0", "_") + ".txt"
        (folder / name).write_text("\f".join(texts), "utf-8")
        print(f"{entry['id']:<40}{measured[entry['id']]['seconds']:8.2f} s", file=sys.stderr)
    return measured


class Clock:
    """Counts the time of the reading, not that of decoding the pages."""

    def __init__(self) -> None:
        self._started, self._decoding = time.monotonic(), 0.0

    def outside(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield *pages*, leaving out the time that it takes to get them."""
        while True:
            asked = time.monotonic()
            page = next(pages, None)
            self._decoding += time.monotonic() - asked
            if page is None:
                return
            yield page

    def seconds(self) -> float:
        """Return the seconds since the start without those spent on decoding."""
        return time.monotonic() - self._started - self._decoding


def dropscribe() -> Reads:
    """Return the embedded engine as a function from pages to texts."""
    from dropscribe.engines.base import Signals
    from dropscribe.engines.ppocr.engine import RapidOcr

    engine = RapidOcr(Settings(), Signals())
    engine.load(lambda progress: None)

    def read(pages: Iterator[Page]) -> Iterator[str]:
        for done in engine.read(Pages(pages)):
            if isinstance(done, PageFailure):
                raise ReasonedError(done.reason, done.detail)
            yield done.text

    return read


def alone() -> Reads:
    """Return RapidOCR itself, its line classifier off, as a function from pages to texts."""
    import numpy as np
    from rapidocr import RapidOCR

    ocr = RapidOCR(params={"Global.use_cls": False, "Global.log_level": "critical"})

    def read(pages: Iterator[Page]) -> Iterator[str]:
        for page in pages:
            yield "\n".join(ocr(np.ascontiguousarray(np.asarray(page.image)[:, :, ::-1])).txts or ())

    return read


def show(result: dict[str, Any], seconds: dict[str, dict[str, float]]) -> None:
    """Print the table of score.py, what was invented, and the time."""
    print(
        f"{'group':<14}{'files':>6}{'missing':>8}{'CER med':>9}{'CER mean':>10}{'recall':>8}{'>=.95':>7}{'precis.':>9}"
    )
    for label, s in result["summary"].items():
        numbers = f"{s['cer_median']:9.3f}{s['cer_mean']:10.4f}{s['recall_mean']:8.4f}{s['recall_95']:7.0%}"
        print(f"{label:<14}{s['files']:6}{s['missing']:8}{numbers}{s['precision_mean']:9.4f}")
    invented = {row["id"]: row["invented"] for row in result["no_text"] if row["invented"]}
    print(f"no-text: {len(result['no_text'])} files, {sum(invented.values())} characters invented {invented!a}")
    if seconds:
        total, pages = (sum(row[key] for row in seconds.values()) for key in ("seconds", "pages"))
        print(f"engine time: {total:.1f} s for {pages:.0f} pages")


def compare(before: str, after: str) -> int:
    """Print the files whose error rate grew by more than `WORSE`, and both means; return 1 if there are any."""
    old, new = (
        {row["id"]: row for row in json.loads(Path(name).read_text("utf-8"))["files"]} for name in (before, after)
    )
    both = [(old[name], new[name]) for name in old if name in new]
    if not both:
        print("the two results have no file in common")
        return 1
    worse = [(was, row) for was, row in both if row["cer"] > was["cer"] + WORSE]
    for was, row in worse:
        print(f"{row['id']:<40} CER {was['cer']:.3f} -> {row['cer']:.3f}, recall {row['recall']:.3f}")
    for key in ("cer", "recall"):
        print(f"mean {key}: " + " -> ".join(f"{sum(pair[i][key] for pair in both) / len(both):.4f}" for i in (0, 1)))
    if all("seconds" in row for pair in both for row in pair):
        print(
            f"engine time: {sum(b['seconds'] for _, b in both) / sum(a['seconds'] for a, _ in both):.2f} of the first"
        )
    print(f"{len(worse)} of {len(both)} files are worse by more than {WORSE}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
