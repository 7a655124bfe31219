"""The incremental loop detector says what the former one says, which rescanned all ids."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.engines.vlm.repetition import LoopDetector
from support.former_detector import FormerLoopDetector
from support.token_runs import CELLS, KINDS, SPELLINGS


def spelling(token: int) -> str:
    """Return the text of a token."""
    return SPELLINGS.get(token, "x")


def compare(ids: list[int], every: int) -> set[str]:
    """Assert that both say the same at every *every*-th token and at the end; return which verdicts there were."""
    new, former = LoopDetector(spelling, CELLS), FormerLoopDetector(spelling, CELLS)
    seen = set()
    for count, token in enumerate(ids, start=1):
        new.push(token)
        former.push(token)
        assert new.due() == former.due()
        if count % every == 0 or count == len(ids):
            ending, anywhere = former.ending(), former.anywhere()

            assert (new.ending(), new.anywhere()) == (ending, anywhere), ids[:count]

            seen |= {"ending"} & {ending and "ending"} | {"behind"} & {anywhere and not ending and "behind"}
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_says_what_the_former_detector_says(kind: str) -> None:
    """On seeded sequences of each kind, at their ends and on the way; and each kind holds loops and none."""
    choose = random.Random(kind)
    make: Callable[[random.Random], list[int]] = KINDS[kind]
    seen = [compare(make(choose), every=37) for _ in range(25)]

    assert any(seen) == (kind != "text")
    assert not all(seen)


@pytest.mark.parametrize("period", range(1, 129))
def test_agrees_on_every_period_at_the_edge_of_evidence(period: int) -> None:
    """One token too few, just enough, one more; followed by something else or not; begun anywhere in a block."""
    choose = random.Random(period)
    unit = [1000 + n for n in range(period)]
    needed = max(3 * period, 48)
    for length in (needed - 1, needed, needed + 1):
        before = [2000 + n for n in range(choose.randrange(40))]
        after = [3000 + n for n in range(choose.choice((0, 5, 20)))]
        compare([*before, *(unit * length)[:length], *after], every=1 << 30)


@settings(deadline=None)  # the former detector takes its time
@given(st.lists(st.sampled_from([*sorted(SPELLINGS), 500, 501]), max_size=300), st.integers(1, 20), st.integers(1, 9))
def test_agrees_on_whatever_can_be_made_of_marks_and_figures(ids: list[int], copies: int, every: int) -> None:
    """Whatever hypothesis finds, itself and repeated."""
    compare(ids, every=every * 16)
    compare(ids[:24] * copies, every=every * 7)
