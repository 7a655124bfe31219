"""The no-repeat guard."""

from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.vlm.ngram_guard import NGramGuard


def published(ids: list[int], n: int, window: int, exempt: set[int]) -> set[int]:
    """Return what DeepSeek's own processor would ban: a rescan of the window for every token."""
    seen = ids[-window:]
    if len(ids) < n:
        return set()
    key = seen[-(n - 1) :]
    return {seen[i + n - 1] for i in range(len(seen) - n + 1) if seen[i : i + n - 1] == key} - exempt


@given(st.lists(st.integers(0, 3), max_size=200), st.integers(2, 6), st.integers(6, 40), st.sets(st.integers(0, 3)))
def test_bans_what_the_published_processor_bans(ids: list[int], n: int, window: int, exempt: set[int]) -> None:
    """Token by token, the bookkeeping equals a rescan."""
    guard = NGramGuard(n, window, exempt)
    for at, token in enumerate(ids, start=1):
        guard.push(token)

        assert set(guard.banned()) == published(ids[:at], n, window, exempt)


def test_remembers_no_more_than_its_window() -> None:
    """Memory does not grow with the length of a page."""
    guard = NGramGuard(30, 90)
    for token in range(8192):
        guard.push(token)

    assert len(guard._seen) == 90


def test_table_cells_may_repeat_for_ever() -> None:
    """Exempt ids are never banned."""
    td, end = 5, 6
    guard = NGramGuard(4, 20, {td, end})
    for _ in range(20):
        guard.push(td)
        guard.push(end)

    assert guard.banned() == []
