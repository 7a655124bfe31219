"""What memory, model and queue were like over time: samples and marks, coarser with age, bounded.

It only keeps what it is told, and asks for no time of its own: the daemon must not wake up for it. Times are those of
the wall clock, because they are shown.
"""

from collections import deque

from msgspec import structs

from dropscribe.core.status import HistoryMark, HistorySample

WARM_EVERY, COLD_EVERY = 10, 60  # seconds between samples with a model and without one
# (seconds that one sample stands for, seconds for which such samples are kept): about 1,000 in all.
LEVELS = ((WARM_EVERY, 3600), (150, 25 * 3600))
MOST, MARKS = 720, 500
_ORDER = ("cold", "blocked", "unloading", "warm", "loading", "busy")  # of a time with several, the last is shown


class History:
    """Samples of the last 25 hours, and when a model was loaded and unloaded."""

    def __init__(self) -> None:
        self._levels: tuple[deque[HistorySample], ...] = tuple(deque() for _ in LEVELS)
        self.marks: deque[HistoryMark] = deque(maxlen=MARKS)
        self._state, self._last = "cold", 0.0

    @property
    def samples(self) -> list[HistorySample]:
        """Every sample, oldest first."""
        return [sample for level in reversed(self._levels) for sample in level]

    def due(self, now: float, state: str) -> bool:
        """Say whether a sample is wanted at *now* (wall clock): the model's *state* is new, or the last one is old."""
        every = COLD_EVERY if state == "cold" else WARM_EVERY
        return state != self._state or not 0 <= now - self._last < every

    def add(self, sample: HistorySample, reason: str | None = None) -> None:
        """Keep *sample*; *reason* is why a model is unloaded, where it is."""
        self._forget_future(sample.time)
        if sample.state != self._state and sample.state in ("loading", "unloading"):
            unloading = sample.state == "unloading"
            self.marks.append(HistoryMark(sample.time, sample.state, reason if unloading else None))
        self._state, self._last = sample.state, sample.time
        self._put(0, sample)
        self._age(sample.time)

    def _forget_future(self, now: float) -> None:
        """The clock was set back: what was noted for later never was."""
        for kept in self._levels:
            while kept and kept[-1].time > now:
                kept.pop()
        while self.marks and self.marks[-1].time > now:
            self.marks.pop()

    def _put(self, level: int, sample: HistorySample) -> None:
        kept, step = self._levels[level], LEVELS[level][0]
        gone = level == 0 and sample.state == "cold" and kept and kept[-1].state != "cold"  # that is to be seen
        if kept and kept[-1].time // step == sample.time // step and not gone:
            kept[-1] = _merged(kept[-1], sample)
        else:
            kept.append(sample)

    def _age(self, now: float) -> None:
        """Hand what is too old for its level on to the next, or forget it."""
        for level, (_, longest) in enumerate(LEVELS):
            kept = self._levels[level]
            while kept and (kept[0].time < now - longest or len(kept) > MOST):
                sample = kept.popleft()
                if level + 1 < len(LEVELS):
                    self._put(level + 1, sample)


def _merged(one: HistorySample, other: HistorySample) -> HistorySample:
    """Return what stands for both: the busier state, the largest footprint and queue, the least memory available."""
    return structs.replace(
        one,
        state=max(one.state, other.state, key=lambda state: _ORDER.index(state) if state in _ORDER else -1),
        footprint_bytes=max((v for v in (one.footprint_bytes, other.footprint_bytes) if v is not None), default=None),
        available_bytes=min((v for v in (one.available_bytes, other.available_bytes) if v is not None), default=None),
        queued=max(one.queued, other.queued),
    )
