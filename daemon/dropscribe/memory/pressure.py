"""Memory pressure while a model is loaded, loading or blocked: what to do about it, and when loading is allowed.

Pure: samples and monotonic seconds come in, an action or an answer goes out. It measures nothing, ends nothing, logs
nothing. A level holds when two samples in a row reach it; one sample alone never ends anything.
"""

from enum import IntEnum, StrEnum

from dropscribe.config import Memory
from dropscribe.memory.values import COUNTED, CRITICAL, WARN, Sample

SAMPLE_EVERY = 2.0  # seconds between the samples that `feed` expects
TOGETHER, APART = 1.0, 10.0  # seconds: two looks closer are one sample; two further apart are no pair
WARN_IDLE = 10.0  # seconds of idleness after which a warning is enough to unload
PAGE_GRACE = 30.0  # seconds that the current page may still take after STOP_AND_UNLOAD
TRIM_AGAIN = 30.0  # seconds between two trims under lasting pressure: each makes the next page slower
FIRST_WAIT, LAST_WAIT = 30.0, 600.0  # seconds without pressure before loading again, doubled by each unload
STOPS_ALLOWED = 2  # a job stopped so often waits until the pressure is normal


class Action(StrEnum):
    """What pressure asks for; all but the first two mean nothing where no model is loaded or loading."""

    NOTHING = "nothing"
    TRIM = "trim"
    UNLOAD_IF_IDLE = "unload-if-idle"  # unless a page has been started meanwhile
    STOP_AND_UNLOAD = "stop-and-unload"  # the current page may run for PAGE_GRACE, then stops between tokens


class Grade(IntEnum):
    """What a sample means under the settings."""

    CALM = 0
    WARN = 1
    HARD = 2  # the model has to go


def grade(sample: Sample, settings: Memory, *, ours: bool = True) -> Grade:
    """Return what *sample* means; without *ours*, as if the memory of our own worker were free.

    A level that the system does not tell (`unknown`) is no pressure.
    """
    percent, footprint = sample.percent, sample.worker_footprint or 0
    if not ours:
        percent -= 100 * footprint / max(sample.total_bytes, 1)
    over_budget = ours and settings.budget is not None and footprint > settings.budget
    if sample.pressure == CRITICAL or percent > settings.max_percent or over_budget:
        return Grade.HARD
    if sample.pressure == WARN:
        return Grade.HARD if settings.unload_on == "warn" else Grade.WARN
    return Grade.CALM


class PressureWatch:
    """Remembers the last two samples, and the episode of pressure they belong to.

    An episode begins when hard pressure holds, continues with each hard sample, and ends after a wait without any:
    30 s, doubled by each unload it led to, up to 10 min, until a page has been read in peace.
    """

    def __init__(self, settings: Memory) -> None:
        self._settings = settings
        self._earlier: Sample | None = None
        self._latest: Sample | None = None
        self._latest_at = 0.0
        self._pressed_at: float | None = None  # last hard sample of the episode; None outside one
        self._counted = False  # the unload of this episode
        self._unloads = 0
        self._trimmed_at: float | None = None

    def apply(self, settings: Memory) -> None:
        """Apply changed settings: back-off and episode are forgotten, the next two samples are judged by themselves."""
        self._settings = settings
        self._earlier = self._pressed_at = self._trimmed_at = None
        self._counted, self._unloads = False, 0

    def feed(self, sample: Sample, now: float, idle_seconds: float | None = None) -> Action:
        """Take a sample (every 2 s) and return what to do; *idle_seconds* is None while loading or reading."""
        self._close_if_quiet(now)
        self._take(sample, now)
        held = self._held()
        if held is Grade.HARD or (self._pressed_at is not None and self._grade(sample) is Grade.HARD):
            self._pressed_at = now
        if held is Grade.CALM:
            self._trimmed_at = None
            return Action.NOTHING
        if held is Grade.HARD and self._settings.unload_on != "never":
            self._count(sample)
            return Action.STOP_AND_UNLOAD
        idle = idle_seconds is not None and idle_seconds >= WARN_IDLE
        if idle and self._settings.unload_on != "never":
            return Action.UNLOAD_IF_IDLE
        return self._trim(now)

    def may_load(self, now: float) -> tuple[bool, str, float]:
        """Return whether to load, else why not and the monotonic moment to ask again. Feed a sample first.

        A single hard sample only defers it to the next one. Our own worker's memory is never held against it.
        """
        self._close_if_quiet(now)
        latest = self._latest if now - self._latest_at <= APART else None
        if latest is not None and self._grade(latest, ours=False) is Grade.HARD:
            return False, self._why(latest), now + SAMPLE_EVERY
        if self._pressed_at is not None:
            why = f"memory was short; it is loaded again once there has been no pressure for {self._wait:.0f} s"
            return False, why, self._pressed_at + self._wait
        return True, "", now

    def may_read(self, stops: int) -> bool:
        """Say whether a job that pressure has stopped so often may be read: after two stops it waits for normal.

        Unknown is as good as normal here: a system that tells no level would make it wait for ever. So would a
        caller that feeds no samples while a job waits.
        """
        seen = [sample for sample in (self._earlier, self._latest) if sample is not None]
        return stops < STOPS_ALLOWED or all(self._is_normal(sample) for sample in seen)

    def page_read(self, now: float) -> None:
        """Hear that a page was read; in peace, it ends the back-off."""
        self._close_if_quiet(now)
        if self._pressed_at is None and (self._latest is None or self._grade(self._latest) is not Grade.HARD):
            self._unloads = 0

    @property
    def _wait(self) -> float:
        """Seconds without pressure before loading again."""
        return float(min(FIRST_WAIT * 2 ** min(max(self._unloads - 1, 0), 16), LAST_WAIT))

    def _take(self, sample: Sample, now: float) -> None:
        if self._latest is None or now - self._latest_at > APART:
            self._earlier = None
        elif now - self._latest_at < TOGETHER:
            self._latest = sample  # the same moment, looked at twice
            return
        else:
            self._earlier = self._latest
        self._latest, self._latest_at = sample, now

    def _held(self) -> Grade:
        """Return what both of the last two samples reach."""
        if self._earlier is None or self._latest is None:
            return Grade.CALM
        return min(self._grade(self._earlier), self._grade(self._latest))

    def _grade(self, sample: Sample, *, ours: bool = True) -> Grade:
        return grade(sample, self._settings, ours=ours)

    def _is_normal(self, sample: Sample) -> bool:
        return sample.pressure not in (WARN, CRITICAL) and self._grade(sample, ours=False) is not Grade.HARD

    def _close_if_quiet(self, now: float) -> None:
        # The sum and not the difference: `may_load` names this very moment, and it must have come when it has come.
        if self._pressed_at is not None and now >= self._pressed_at + self._wait:
            self._pressed_at, self._counted = None, False

    def _count(self, sample: Sample) -> None:
        """Count the unload of this episode once, however often it is asked for."""
        if not self._counted and sample.worker_footprint is not None:
            self._counted = True
            self._unloads += 1

    def _trim(self, now: float) -> Action:
        if self._trimmed_at is not None and now - self._trimmed_at < TRIM_AGAIN:
            return Action.NOTHING
        self._trimmed_at = now
        return Action.TRIM

    def _why(self, sample: Sample) -> str:
        """Say why *sample* forbids loading, in words that stay the same while the cause does."""
        if sample.pressure == CRITICAL:
            return "the system reports critical memory pressure"
        if sample.pressure == WARN and self._settings.unload_on == "warn":
            return "the system warns of memory pressure (memory.unload_on is warn)"
        share = f"{self._settings.max_percent:g} % of the memory"
        if COUNTED == "in use":
            return f"other programs use more than {share} (memory.max_percent)"
        return f"more than {share} is {COUNTED} (memory.max_percent)"
