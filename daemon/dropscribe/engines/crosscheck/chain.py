"""Which of many possible places things in a row have, when as much as possible is to stand in the same order. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

TOUCHING = 1.0  # weight of standing right behind the place before: one of two copies is taken, not half of each


def chain(things: Sequence[tuple[float, Sequence[tuple[int, int]]]]) -> list[tuple[int, int]]:
    """Return the heaviest chain: (index of a thing, where its place begins), in order, no two places overlapping.

    Each of *things* has a weight above 0 and its possible places (start, end). The heaviest increasing subsequence, in
    O(n log n) for n places: a Fenwick tree holds the best chain that ends at or before each end.
    """
    ends = sorted({end for _, places in things for _, end in places})
    best: list[int] = [-1] * (len(ends) + 1)  # the link in which the best chain of a span of ends ends
    links: list[tuple[float, int, int, int]] = []  # weight of the chain, the link before, thing, start
    ending: dict[int, int] = {}  # the best link of which the place ends there

    def heavier(one: int, other: int) -> int:
        return other if one < 0 or (other >= 0 and links[other][0] > links[one][0]) else one

    for index, (weight, places) in enumerate(things):
        added = []
        for start, end in places:
            before, i = -1, bisect_right(ends, start)
            while i > 0:
                before, i = heavier(before, best[i]), i & (i - 1)
            total, touching = (links[before][0] if before >= 0 else 0.0), ending.get(start, -1)
            if touching >= 0 and links[touching][0] + TOUCHING > total:
                total, before = links[touching][0] + TOUCHING, touching
            links.append((weight + total, before, index, start))
            added.append((end, len(links) - 1))
        for end, link in added:  # after all places of a thing: it has one only
            ending[end] = heavier(ending.get(end, -1), link)
            i = bisect_left(ends, end) + 1
            while i < len(best):
                best[i], i = heavier(best[i], link), i + (i & -i)
    last = max(range(len(links)), key=lambda link: links[link][0], default=-1)
    found = []
    while last >= 0:
        _, last, index, start = links[last]
        found.append((index, start))
    return found[::-1]
