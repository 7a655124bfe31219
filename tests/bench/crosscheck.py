"""Measure what the second reader finds: faults planted into true texts, and texts without any.

    python tests/bench/crosscheck.py fill CACHE [--folder FOLDER]
    python tests/bench/crosscheck.py score CACHE [--folder FOLDER] [--share seen|unseen] [--rounds 5] [--show]

`fill` reads the pages of the open corpora (or of FOLDER, as `layouts.py` writes them) as the second reader does, and
keeps both looks; `score` compares in seconds. The truth stands in for the model's answer. Half of the corpora, by the
name of a file's family, and layouts of seeds above 1000 are the unseen share.
"""

import argparse
import os
import pickle
import random
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from accuracy import SHARED, load_scorer, wanted
from planted import FAULTS, NO_FAULTS, Planted
from rapidfuzz import fuzz

from dropscribe.config import Settings, checked
from dropscribe.core.pages import Check
from dropscribe.documents.opening import open_document
from dropscribe.engines.base import Signals
from dropscribe.engines.crosscheck.compare import compare
from dropscribe.engines.crosscheck.letters import CJK, letters
from dropscribe.engines.crosscheck.sight import NAME, Sight
from dropscribe.engines.crosscheck.values import Reading
from dropscribe.engines.ppocr.orientation import upright
from dropscribe.engines.ppocr.sessions import Sessions

UNSEEN_SEED = 1000
LONG = 8  # words, or twice as many signs of a script without blanks: shorter faults have no goal
ALIKE = 70.0  # percent of a named passage in the planted one, or the other way round


@dataclass(frozen=True)
class Case:
    """A page: what stands there, and the second reader's two looks."""

    name: str
    truth: str
    first: Reading
    again: Reading
    unseen: bool


def entries(folder: str | None) -> Iterator[tuple[str, Path, Path, bool]]:
    """Yield name, picture, truth and share of every document."""
    if folder is not None:
        for picture in sorted(Path(folder).glob("*.png")):
            seed = int(picture.stem.rsplit("-", 1)[-1])
            yield picture.stem, picture, picture.with_suffix(".txt"), seed >= UNSEEN_SEED
        return
    scorer = load_scorer(SHARED / "tools" / "score.py")
    known = wanted(scorer, []) if scorer is not None else []
    for entry in known:
        if entry["kind"] == "ocr-gt":
            root = SHARED / "corpora"
            half = zlib.crc32(str(entry["family"]).encode()) % 2 == 1
            yield entry["id"], root / entry["path"], root / entry["ground_truth"], half


def fill(cache: Path, folder: str | None) -> None:
    """Read every page twice and keep what was read, where that has not been done."""
    cache.mkdir(parents=True, exist_ok=True)
    settings, signals, lines = checked({"intake": {"pdf_text": "never"}}, "the bench"), Signals(), Sessions()
    sight = Sight(Settings(), signals)
    for name, picture, _, _ in entries(folder):
        kept = cache / f"{name}.looks"
        if kept.exists():
            continue
        with closing(open_document(os.fspath(picture), settings)) as document:
            pages = [upright(page, lines) for page in document.pages() if not page.blank]
        looks = [(sight.first(page), sight.again(page)) for page in pages]
        kept.write_bytes(pickle.dumps(looks))
        print(name, len(pages), file=sys.stderr)


def cases(cache: Path, folder: str | None) -> Iterator[Case]:
    """Yield the pages that were read, where truth and document have the same number of them."""
    for name, _, truth, unseen in entries(folder):
        kept = cache / f"{name}.looks"
        texts = truth.read_text("utf-8").split("\f")
        looks = pickle.loads(kept.read_bytes()) if kept.exists() else []
        if len(texts) == len(looks):
            for number, (text, (first, again)) in enumerate(zip(texts, looks, strict=True), 1):
                yield Case(f"{name} {number}", text, first, again, unseen)


def judged(case: Case, text: str) -> Check:
    """Return the verdict on *text* as that of the page."""
    return compare(text, case.first, lambda: case.again, NAME)


def found(check: Check, planted: Planted) -> bool:
    """Say whether a named passage is the planted one."""
    sides = ((planted.said, check.unconfirmed), (planted.left_out, check.missing))
    return any(_same(p.text, wanted) for wanted, passages in sides if wanted for p in passages)


def _same(named: str, wanted: str) -> bool:
    one, other = letters(named).text, letters(wanted).text
    return bool(one and other) and (one in other or other in one or fuzz.partial_ratio(one, other) >= ALIKE)


@dataclass
class Score:
    """How often a kind was planted, and what became of it: in all, of the long ones, and on pages read well."""

    planted: int = 0
    named: int = 0
    long: int = 0
    long_named: int = 0
    flagged: int = 0
    well: int = 0
    well_named: int = 0


def score(pages: list[Case], rounds: int, show: bool) -> dict[str, Score]:
    """Plant every kind of fault into every page that has room for it, *rounds* times; return the scores by kind."""
    rng = random.Random(20261126)
    scores: dict[str, Score] = defaultdict(Score)
    truths = [page.truth for page in pages]
    for page in pages:
        clean = judged(page, page.truth)
        well = clean.agreement is not None and clean.agreement > 0.97
        _count(scores["untouched"], page, Planted(page.truth), clean, well, show)
        for kind, plant in (FAULTS | NO_FAULTS).items():
            others = [t for t in truths if t != page.truth]
            done = [p for p in (plant(rng, page.truth, others) for _ in range(rounds)) if p is not None]
            for planted in done:
                _count(scores[kind], page, planted, judged(page, planted.text), well, show)
    return scores


def _count(score: Score, page: Case, planted: Planted, check: Check, well: bool, show: bool) -> None:
    right = found(check, planted)
    score.planted += 1
    score.named += right
    long = max(map(_words, (planted.said or "", planted.left_out or ""))) >= LONG
    score.long += long
    score.long_named += long and right
    score.flagged += check.disagrees
    score.well += well
    score.well_named += well and right
    fault = bool(planted.said or planted.left_out)
    if show and (fault != right or (not fault and check.disagrees)):
        print(f"-- {page.name}: {check}\n   wanted {planted.said!r} {planted.left_out!r}", file=sys.stderr)


def _words(text: str) -> float:
    return len(text.split()) + len(CJK.findall(text)) / 2


def table(scores: dict[str, Score]) -> None:
    """Print the scores as a table in Markdown."""
    print(
        "| kind | planted | flagged | right passage named | of eight words or more | on pages read well |\n"
        "|---|---|---|---|---|---|"
    )
    for kind, s in scores.items():
        fault = kind in FAULTS
        named = f"{s.named / s.planted:.1%}" if fault else ""
        well = f"{s.well_named / s.well:.1%} of {s.well}" if fault and s.well else ""
        long = f"{s.long_named / s.long:.1%} of {s.long}" if fault and s.long else ""
        print(f"| {kind.replace('_', ' ')} | {s.planted} | {s.flagged / s.planted:.1%} | {named} | {long} | {well} |")


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure what the second reader finds.")
    parser.add_argument("command", choices=("fill", "score"))
    parser.add_argument("cache", type=Path)
    parser.add_argument("--folder")
    parser.add_argument("--share", choices=("seen", "unseen"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--show", action="store_true", help="print what was missed and every false alarm")
    given = parser.parse_args()
    if given.command == "fill":
        fill(given.cache, given.folder)
        return 0
    pages = [
        c for c in cases(given.cache, given.folder) if given.share is None or c.unseen == (given.share == "unseen")
    ]
    begun = time.perf_counter()
    scores = score(pages, given.rounds, given.show)
    table(scores)
    spent = (time.perf_counter() - begun) / max(1, sum(s.planted for s in scores.values()))
    print(f"\n{len(pages)} pages; {1000 * spent:.1f} ms for one text")
    return 0


if __name__ == "__main__":
    sys.exit(main())
