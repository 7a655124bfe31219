"""The child processes of a test, as the system sees them: one that was not reaped counts."""

import psutil


class Children:
    """Counts from its creation on, so that what other tests left behind is not held against this one."""

    def __init__(self) -> None:
        self._before = self._all()

    @staticmethod
    def _all() -> set[int]:
        return {child.pid for child in psutil.Process().children()}

    @property
    def pids(self) -> list[int]:
        """The children since then that run, or have ended and were not reaped."""
        return sorted(self._all() - self._before)
