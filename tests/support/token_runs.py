"""Token ids as models give them, and as they do not: for the loop detector, its former self, and the bench of both."""

import itertools
import random
from collections.abc import Callable

TD, TD_END, TR, TR_END = 1, 2, 3, 4
CELLS = frozenset({TD, TD_END, TR, TR_END})
REF, IMAGE, REF_END, DET, OPEN, CLOSE, DET_END, COMMA, ITEM, ITEM_END = range(10, 20)
FIGURES, PLACES = 100, 200  # the ids of "0" and of "<loc_0>", up to 99 each
WORDS = 1000  # the first id of words without figures

SPELLINGS = {
    TD: "<td>", TD_END: "</td>", TR: "<tr>", TR_END: "</tr>", REF: "<|ref|>", IMAGE: "image", REF_END: "<|/ref|>",
    DET: "<|det|>", OPEN: "[[", CLOSE: "]]", DET_END: "<|/det|>", COMMA: ", ", ITEM: "<list_item>",
    ITEM_END: "</list_item>",
    **{FIGURES + n: str(n) for n in range(100)},
    **{PLACES + n: f"<loc_{n}>" for n in range(100)},
}  # fmt: skip


def text(choose: random.Random, length: int = 400) -> list[int]:
    """Return words, the frequent ones frequent (as 1 / rank)."""
    ranks = range(1, 2000)
    return [WORDS + n for n in choose.choices(ranks, [1 / n for n in ranks], k=length)]


def periodic(choose: random.Random) -> list[int]:
    """Return a loop of any period that looked at, or nearly one, between words."""
    unit = text(choose, choose.randint(1, 130))
    length = int(len(unit) * choose.uniform(1, 5)) + choose.randint(0, 50)
    loop = (unit * 60)[:length]
    return [*text(choose, choose.randint(0, 60)), *loop, *text(choose, choose.choice((0, 0, 3, 40)))]


def few(choose: random.Random) -> list[int]:
    """Return ids out of two or three, which repeat themselves in every way."""
    return choose.choices(range(WORDS, WORDS + choose.randint(1, 3)), k=choose.randint(1, 300))


def cells(choose: random.Random) -> list[int]:
    """Return an empty form, with a word here and there or none."""
    row = [TR, *[TD, TD_END] * choose.randint(1, 8), TR_END]
    ids = row * choose.randint(2, 900 // len(row))
    for _ in range(choose.choice((0, 0, 1, 5))):
        ids[choose.randrange(len(ids))] = WORDS
    return ids


def boxes(choose: random.Random) -> list[int]:
    """Return marks with boxes that drift, some with text between them."""
    ids = []
    between = choose.choice((0, 0, 0, 0.03, 0.5))
    for n in range(choose.randint(5, 60)):
        figures = (FIGURES + (n * step) % 100 for step in (1, 2, 3, 5))
        ids += [REF, IMAGE, REF_END, DET, OPEN, *itertools.chain(*((each, COMMA) for each in figures)), CLOSE, DET_END]
        if choose.random() < between:
            ids += text(choose, 4)
    return ids


def places(choose: random.Random) -> list[int]:
    """Return items of DocTags whose places drift, or nothing but places."""
    unit = choose.choice(([], [ITEM], [ITEM, IMAGE, ITEM_END]))
    return list(
        itertools.chain(
            *([*unit, *choose.choices(range(PLACES, PLACES + 100), k=4)] for _ in range(choose.randint(1, 40)))
        )
    )


def broken(choose: random.Random) -> list[int]:
    """Return a loop in which a guard put other tokens, as a ban does."""
    unit = text(choose, choose.randint(1, 40))
    ids = unit * (400 // len(unit) + 3)
    for at in range(choose.randint(20, 140), len(ids), choose.randint(20, 140)):
        ids[at] = WORDS + 1999 + at
    return ids


def nested(choose: random.Random) -> list[int]:
    """Return a loop made of loops: several periods prove themselves, at different times."""
    inner = text(choose, choose.randint(1, 6)) * choose.randint(2, 12)
    outer = [*inner, *text(choose, choose.randint(1, 40))]
    return [*text(choose, choose.randint(0, 20)), *outer * choose.randint(1, 6)]


KINDS: dict[str, Callable[[random.Random], list[int]]] = {
    "text": text, "periodic": periodic, "few": few, "cells": cells, "boxes": boxes, "places": places,
    "broken": broken, "nested": nested,
}  # fmt: skip
