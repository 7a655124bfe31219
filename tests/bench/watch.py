"""What guard and loop detector cost for each token, and at the end of an attempt: as they are and as they were.

    python tests/bench/watch.py [--rounds 7] [--tokens 1024 4096]

Both are given the same made-up answers in turn, token by token as the batch does it; figures are medians. Spellings
come from a dictionary: what the tokenizer takes for one comes on top, for the former detector at each token, for the
present one once for each different token. Goal: 10 us a token, so that eight rows take 2 % of a step of 4 ms.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

from bench_pictures import table  # first: it finds the harness

from dropscribe.engines.vlm.ngram_guard import NGramGuard
from dropscribe.engines.vlm.repetition import LoopDetector
from support.former_detector import FormerLoopDetector
from support.former_guard import FormerNGramGuard
from support.token_runs import CELLS, SPELLINGS, TD, TD_END, TR, TR_END, boxes, text

Guard = NGramGuard | FormerNGramGuard
Detector = LoopDetector | FormerLoopDetector


def table_rows(choose: random.Random, length: int) -> list[int]:
    """Return a table of two cells with a word in each."""
    rows = ([TR, TD, *text(choose, 1), TD_END, TD, *text(choose, 1), TD_END, TR_END] for _ in range(length // 8))
    return [token for row in rows for token in row]


def figures(choose: random.Random, length: int) -> list[int]:
    """Return paragraphs with boxes, as a layout prompt gives them."""
    ids: list[int] = []
    while len(ids) < length:
        ids += [*boxes(choose)[:13], *text(choose, 60)]
    return ids[:length]


def empty_form(choose: random.Random, length: int) -> list[int]:
    """Return empty cells up to just below what is called a loop, words between: the worst that goes on."""
    ids: list[int] = []
    while len(ids) < length:
        ids += [*[TD, TD_END] * 250, *text(choose, 3)]
    return ids[:length]


ANSWERS: dict[str, Callable[[random.Random, int], list[int]]] = {
    "words": text, "words and boxes": figures, "table": table_rows, "empty cells": empty_form,
}  # fmt: skip


def once(ids: list[int], guard: Guard, detector: Detector) -> tuple[float, float, float]:
    """Return microseconds a token of guard and of detector, and milliseconds of the look at the end."""
    begun = time.perf_counter()
    for token in ids:
        guard.push(token)
        guard.banned()
    guarded = time.perf_counter()
    for token in ids:
        detector.push(token)
        if detector.due():
            detector.ending()
    detected = time.perf_counter()
    _ = detector.anywhere() or detector.ending()
    ended = time.perf_counter()
    each = 1e6 / len(ids)
    return (guarded - begun) * each, (detected - guarded) * each, (ended - detected) * 1e3


def compare(ids: list[int], rounds: int) -> list[list[float]]:
    """Return the medians for the former pair and for the present one, measured in turn."""
    found: list[list[tuple[float, float, float]]] = [[], []]
    for _ in range(rounds):
        found[0].append(once(ids, FormerNGramGuard(30, 90, CELLS), FormerLoopDetector(spelling, CELLS)))
        found[1].append(once(ids, NGramGuard(30, 90, CELLS), LoopDetector(spelling, CELLS)))
    return [[statistics.median(column) for column in zip(*runs, strict=True)] for runs in found]


def spelling(token: int) -> str:
    """Return the text of a token."""
    return SPELLINGS.get(token, "x")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 4096])
    given = parser.parse_args()
    rows: list[tuple[object, ...]] = [
        ("answer", "tokens", "guard, us", "detector, us", "both, us", "former / present", "at the end, ms")
    ]
    for name, make in ANSWERS.items():
        for length in given.tokens:
            former, present = compare(make(random.Random(length), length), given.rounds)
            pairs = [f"{before:.2f} → {after:.2f}" for before, after in zip(former, present, strict=True)]
            both = sum(former[:2]), sum(present[:2])
            total = f"{both[0]:.2f} → {both[1]:.2f}"
            rows.append((name, length, pairs[0], pairs[1], total, f"{both[0] / both[1]:.1f}", pairs[2]))
    table(*rows)


if __name__ == "__main__":
    main()
