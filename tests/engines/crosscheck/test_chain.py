"""Places in one order: the heaviest chain is found, as trying all of them finds it."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.crosscheck.chain import TOUCHING, chain

Things = list[tuple[float, list[tuple[int, int]]]]
THING = st.tuples(st.integers(1, 4), st.sets(st.integers(0, 12), max_size=3)).map(
    lambda thing: (float(thing[0]), [(start, start + thing[0]) for start in sorted(thing[1])])
)


def weight(things: Things, choice: tuple[tuple[int, int] | None, ...]) -> float:
    """Return what the chain *choice* (a place, or none, of each thing) weighs; -1 for one out of order."""
    total, before = 0.0, -1
    for (heavy, _), place in zip(things, choice, strict=True):
        if place is not None:
            if place[0] < before:
                return -1.0
            total += heavy + (TOUCHING if place[0] == before else 0.0)
            before = place[1]
    return total


@given(st.lists(THING, max_size=6))
def test_no_chain_is_heavier(things: Things) -> None:
    found = chain(things)

    choice: list[tuple[int, int] | None] = [None] * len(things)
    for index, start in found:
        choice[index] = next(place for place in things[index][1] if place[0] == start)
    assert [index for index, _ in found] == sorted({index for index, _ in found})
    best = max(weight(things, each) for each in product(*([None, *places] for _, places in things)))
    assert weight(things, tuple(choice)) == best


def test_one_of_two_copies_is_taken_whole() -> None:
    things = [(5.0, [(0, 5), (20, 25)]), (5.0, [(5, 10), (25, 30)]), (5.0, [(10, 15), (30, 35)])]

    assert chain(things) == [(0, 0), (1, 5), (2, 10)]


def test_what_is_left_out_takes_no_later_place() -> None:
    things = [(4.0, [(0, 4)]), (9.0, [(30, 39)]), (6.0, [(4, 10)]), (6.0, [(10, 16)]), (9.0, [(30, 39)])]

    assert [index for index, _ in chain(things)] == [0, 2, 3, 4]


def test_nothing_makes_no_chain() -> None:
    assert chain([]) == [] and chain([(3.0, [])]) == []
