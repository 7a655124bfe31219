"""Makes samples of the machine's memory, for the tests of what is decided by them."""

from dropscribe.memory.pressure import Action, PressureWatch
from dropscribe.memory.values import Sample

GB = 10**9
TOTAL = 10 * GB


def sample(
    pressure: str = "normal", percent: float = 50.0, worker: int | None = 3 * GB, available: int = 5 * GB
) -> Sample:
    """Return a look at a machine of 10 GB."""
    return Sample(pressure, available, percent, worker, 0, TOTAL)


def fed(watch: PressureWatch, samples: list[Sample], start: float = 0.0, idle: float | None = None) -> list[Action]:
    """Feed one sample every 2 s and return the answers."""
    return [watch.feed(s, start + 2 * n, idle) for n, s in enumerate(samples)]
