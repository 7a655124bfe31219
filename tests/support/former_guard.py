"""The no-repeat-n-gram guard as it was until November 2026, with counters of n-grams: what the bench compares with."""

from collections import Counter
from collections.abc import Iterable


class FormerNGramGuard:
    """Remembers the n-grams of the last *window* tokens; constant work per token."""

    def __init__(self, n: int, window: int, exempt: Iterable[int] = ()) -> None:
        """Ban the repetition of *n* tokens seen within the last *window*; ids in *exempt* are never banned."""
        if not 2 <= n <= window:
            raise ValueError(f"an n-gram of {n} does not fit into a window of {window} tokens")
        self.n, self.window, self.exempt = n, window, frozenset(exempt)
        self.hits: list[int] = []  # how many tokens there were each time a ban changed the outcome
        self._ids: list[int] = []
        self._next: dict[tuple[int, ...], Counter[int]] = {}

    def push(self, token: int) -> None:
        """Take in one generated token."""
        ids = self._ids
        ids.append(token)
        if len(ids) >= self.n:
            self._next.setdefault(tuple(ids[-self.n : -1]), Counter())[token] += 1
        if (gone := len(ids) - self.window - 1) >= 0:
            self._forget(gone)

    def _forget(self, start: int) -> None:
        """Drop the n-gram that begins at *start*: its first token has left the window."""
        run = tuple(self._ids[start : start + self.n])
        followers = self._next[run[:-1]]
        followers[run[-1]] -= 1
        if not +followers:
            del self._next[run[:-1]]

    def banned(self) -> list[int]:
        """Return the ids that may not come next."""
        if len(self._ids) < self.n:
            return []
        followers = self._next.get(tuple(self._ids[-(self.n - 1) :]), Counter())
        return [token for token, count in followers.items() if count > 0 and token not in self.exempt]

    def record_hit(self) -> None:
        """Note that the model preferred a banned token here: evidence of a loop, however clean the end looks."""
        self.hits.append(len(self._ids))
