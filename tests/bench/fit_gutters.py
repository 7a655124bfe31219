"""Fit the weights of `dropscribe.layout.evidence` to gutters of generated pages whose reading order is known.

    python tests/bench/fit_gutters.py [--seeds 0-59]

No recogniser is involved: boxes and texts are those that `layouts.py` drew, a little displaced. A gutter parts columns
where everything left of it was drawn before anything right of it. Weights are printed, not written.
"""

import argparse
import pickle
import random
import sys
from pathlib import Path

import layouts
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance.Levenshtein import distance
from sheets import Sheet

from dropscribe.engines.ppocr.pixels import pixels
from dropscribe.engines.ppocr.regions import LayoutModel
from dropscribe.engines.ppocr.rules import rules
from dropscribe.engines.ppocr.sessions import threads
from dropscribe.layout import evidence
from dropscribe.layout.evidence import pieces
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.gutters import Gutter, gutters, halves
from dropscribe.layout.marks import Marks
from dropscribe.layout.order import ordered
from dropscribe.layout.rows import blocks

MODEL = LayoutModel(threads())
ACROSS = 1.0  # weight of rows against columns (.5): among many gutters of a table a single mistake spoils the page
PRIOR = 0.02  # of the ridge: the weight of no evidence at all


def boxes(sheet: Sheet, rng: random.Random) -> list[TextBox]:
    """Return the lines of *sheet* as a detector might have found them."""
    return [
        TextBox(i, *(side + rng.uniform(-2, 2) for side in box), sheet.lines[i]) for i, box in enumerate(sheet.boxes)
    ]


def seen(sheet: Sheet, name: str, folder: str) -> Marks:
    """Return the rules and regions of *sheet*, kept in *folder* from one run to the next."""
    kept = Path(folder) / (name + ".pkl")
    if not kept.exists():
        picture = pixels(sheet.image)
        kept.write_bytes(pickle.dumps(Marks(MODEL.regions(picture), *rules(picture))))
    marks: Marks = pickle.loads(kept.read_bytes())
    return marks


def one_after_the_other(gutter: Gutter) -> float:
    """Return the share of pairs of a line left and one right of *gutter* that are read in this order."""
    pairs = [a.index < b.index for a in gutter.left for b in gutter.right]
    return sum(pairs) / len(pairs)


def samples(
    seeds: range, files: list[tuple[str, str]], folder: str
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Return the names of the evidence, its values at every gutter, 1 where that parts columns, and kinds."""
    names: list[str] = []
    rows, truths, kinds = [], [], []
    for seed in seeds:
        for kind in layouts.KINDS:
            rng = random.Random(seed)
            sheet = layouts.draw(kind, seed, files)
            found, marks = boxes(sheet, rng), seen(sheet, f"{kind}-{seed}", folder)
            line_height = float(np.median([b.height for b in found]))
            whole = gutters(found)
            parts = [gutter for block in blocks(found)[:6] for gutter in gutters(block)]
            for gutter in [
                *whole,
                *parts,
                *(half for g in whole[:2] for parts in halves(g, line_height) for half in parts),
            ]:
                share = one_after_the_other(gutter)
                if 0.9 < share < 0.97:
                    continue
                values = pieces(gutter, line_height, marks)
                names = list(values)
                rows.append(list(values.values()))
                truths.append(float(share >= 0.97))
                kinds.append(kind)
    return names, np.array(rows), np.array(truths), kinds


def fit(values: NDArray[np.float64], truths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights and bias of the logistic regression (Newton's method, ridge)."""
    x = np.hstack([values, np.ones((len(values), 1))])
    balance = np.where(truths > 0, 0.5 / truths.mean(), ACROSS / (1 - truths.mean()))
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (balance * (truths - p)) / len(x) - PRIOR * weights / 10
        bend = (x * (balance * p * (1 - p))[:, None]).T @ x / len(x) + PRIOR / 10 * np.eye(len(weights))
        weights += np.linalg.solve(bend, slope)
    return weights


def misread(seeds: range, files: list[tuple[str, str]], folder: str) -> dict[str, float]:
    """Return, by kind, the mean character error of pages whose lines are right and whose order is found."""
    errors: dict[str, list[float]] = {}
    for seed in seeds:
        for kind in layouts.KINDS:
            sheet = layouts.draw(kind, seed, files)
            found = boxes(sheet, random.Random(seed))
            random.Random(seed).shuffle(found)
            text = " ".join(s.text for row in ordered(found, seen(sheet, f"{kind}-{seed}", folder)) for s in row)
            truth = " ".join(sheet.lines)
            errors.setdefault(kind, []).append(min(1.0, distance(truth, text) / len(truth)))
            if errors[kind][-1] > 0.1:
                print(f"{kind} {seed} {errors[kind][-1]:.2f}", end="  ")
    return {kind: sum(e) / len(e) for kind, e in errors.items()}


def main() -> int:
    """Fit, and say how many gutters come out wrong, by kind."""
    parser = argparse.ArgumentParser(description="Fit the weights of the evidence at gutters.")
    parser.add_argument("--seeds", default="0-59", help="FIRST-LAST")
    parser.add_argument("--marks", required=True, help="a folder for what the layout model saw")
    parser.add_argument("--fonts", nargs="+", default=[])
    given = parser.parse_args()
    first, last = map(int, given.seeds.split("-"))
    files = layouts.fonts(given.fonts)
    names, values, truths, kinds = samples(range(first, last + 1), files, given.marks)
    weights = fit(values, truths)
    for name, weight in zip([*names, "bias"], weights, strict=True):
        print(f'    "{name}": {weight:.1f},')
    evidence.WEIGHTS.update(zip(names, map(float, weights), strict=False))
    evidence.BIAS = float(weights[-1])
    report("seen", kinds, values, truths, weights)
    _, values, truths, kinds = samples(range(1000 + first, 1000 + first + (last - first) // 2), files, given.marks)
    report("unseen", kinds, values, truths, weights)
    for label, seeds in (("seen", range(first, last + 1)), ("unseen", range(1000 + first, 1001 + last))):
        errors = misread(seeds, files, given.marks)
        print(f"{label}: character error {sum(errors.values()) / len(errors):.3f}")
        print("  ".join(f"{kind} {error:.3f}" for kind, error in sorted(errors.items())))
    return 0


def report(
    label: str, kinds: list[str], values: NDArray[np.float64], truths: NDArray[np.float64], weights: NDArray[np.float64]
) -> None:
    """Print the share of gutters that come out wrong, in all and by kind."""
    wrong = ((values @ weights[:-1] + weights[-1]) > 0) != (truths > 0)
    print(f"{label}: {len(wrong)} gutters, {truths.mean():.0%} part columns, {wrong.mean():.1%} wrong")
    by = {kind: [bool(w) for w, k in zip(wrong, kinds, strict=True) if k == kind] for kind in sorted(set(kinds))}
    print("  ".join(f"{kind} {sum(w)}/{len(w)}" for kind, w in by.items()))


if __name__ == "__main__":
    sys.exit(main())
