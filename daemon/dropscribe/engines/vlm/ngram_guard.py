"""The no-repeat-n-gram guard: which tokens would repeat a run of tokens that is still in sight.

Pure bookkeeping on token ids, one instance per attempt. It neither touches logits nor decides what a ban means.
Sizes and the exempt table cells are DeepSeek's own (n 30 in a window of 90 for pictures, 20 in 50 for PDF pages).
"""

from collections.abc import Iterable


class NGramGuard:
    """Remembers the last *window* tokens, each as a letter of a string in which `str.find` looks for the last run."""

    def __init__(self, n: int, window: int, exempt: Iterable[int] = ()) -> None:
        """Ban the repetition of *n* tokens seen within the last *window*; ids in *exempt* are never banned."""
        if not 2 <= n <= window:
            raise ValueError(f"an n-gram of {n} does not fit into a window of {window} tokens")
        self.n, self.window, self.exempt = n, window, frozenset(exempt)
        self.hits: list[int] = []  # how many tokens there were each time a ban changed the outcome
        self._count = 0
        self._seen = ""

    def push(self, token: int) -> None:
        """Take in one generated token."""
        self._count += 1
        self._seen = self._seen[1 - self.window :] + chr(token)

    def banned(self) -> list[int]:
        """Return the ids that may not come next: each that followed an earlier copy of the last n - 1 tokens."""
        seen, length = self._seen, self.n - 1
        if len(seen) < self.n:
            return []
        run = seen[-length:]
        found = set()
        place = seen.find(run, 0, -1)  # the last run itself has no follower yet
        while place >= 0:
            found.add(ord(seen[place + length]))
            place = seen.find(run, place + 1, -1)
        return [token for token in found if token not in self.exempt]

    def record_hit(self) -> None:
        """Note that the model preferred a banned token here: evidence of a loop, however clean the end looks."""
        self.hits.append(self._count)
