"""Whether a model may be loaded now: is there memory, is there pressure, did the last loads fail. Starts nothing."""

from collections.abc import Callable, Sequence

from dropscribe.core.errors import Reason
from dropscribe.log import LOG
from dropscribe.memory import policy, readings

FIRST_RETRY, LAST_RETRY = 5.0, 600.0  # seconds of back-off after failed loads in a row


class Admission:
    """Remembers since when a model is wanted, why it was refused, and when to ask again."""

    def __init__(self, watch: policy.PressureWatch, peaks: Callable[[], Sequence[int]]) -> None:
        self._watch, self._peaks = watch, peaks
        self.blocked_reason: str | None = None
        self.blocked_as = Reason.PRESSURE  # what `blocked_reason` is called in short
        self.retry_at = 0.0
        self._failures = 0
        self._estimate = 0  # bytes; the engine tells it before its first load
        self._waiting_since: float | None = None
        self.left_out: str | None = None  # why what can be spared of the model is not loaded

    @property
    def waiting(self) -> bool:
        """Say whether a model is wanted and not there."""
        return self._waiting_since is not None

    def refused(self, now: float, spare: int = 0) -> bool:
        """Ask for a load; return whether it must not be, and remember why.

        *spare* bytes of its need can be left out; where only then it fits, `left_out` says so.
        """
        self._waiting_since = self._waiting_since or now
        allowed, why, retry_at = self._watch.may_load(now)
        reason, need = Reason.PRESSURE, policy.need(self._peaks(), self._estimate)
        self.left_out = None
        if allowed and need:
            reason = Reason.TOO_LITTLE_MEMORY
            allowed, why, retry_at = self._fits(need, now, spare)
        if not allowed:
            self._block(reason, why, retry_at)
            return True
        self.blocked_reason = None
        if need:
            self._waiting_since = now  # the preflight's patience is for one try
        return False

    def refuses(self, estimate: int, now: float, spare: int = 0) -> bool:
        """Return whether a load that has begun must not go on: before any record, the engine's own estimate decides."""
        whole = estimate + (spare if self.left_out else 0)
        known, self._estimate = bool(self._peaks() or self._estimate), whole
        if known:
            return False
        allowed, why, retry_at = self._fits(estimate, now)
        if allowed:
            self._waiting_since = now
        else:
            self._block(Reason.TOO_LITTLE_MEMORY, why, retry_at)
        return not allowed

    def _fits(self, need: int, now: float, spare: int = 0) -> tuple[bool, str, float]:
        try:
            room = readings.room()
        except readings.Unreadable as error:
            return False, f"{error}; asked again", now + policy.SAMPLE_EVERY
        since = self._waiting_since or now
        verdict = policy.preflight(need, room, since, now)
        if verdict.reason and spare:
            self.left_out = verdict.reason
            verdict = policy.preflight(need - spare, room, since, now)
        if verdict.allowed and verdict.reason:
            LOG.warning("%s", verdict.reason)
        return verdict.allowed, verdict.reason, now + policy.SAMPLE_EVERY

    def _block(self, reason: Reason, why: str, retry_at: float) -> None:
        if self.blocked_reason is None:
            LOG.warning("the model is not loaded: %s", why)
        self.blocked_as, self.blocked_reason, self.retry_at = reason, why, retry_at

    def failed(self, why: str, now: float) -> None:
        """Hear that a load failed: the next waits longer each time, so that nothing is started in a circle."""
        pause = min(FIRST_RETRY * 2**self._failures, LAST_RETRY)
        self._failures += 1
        LOG.error("the model could not be loaded: %s; next try in %.0f s", why, pause)
        self.blocked_as, self.blocked_reason, self.retry_at = Reason.ENGINE_UNAVAILABLE, why, now + pause

    def loaded(self) -> None:
        """Hear that the model is there."""
        self._failures, self._waiting_since, self.blocked_reason = 0, None, None

    def not_wanted(self) -> None:
        """Hear that no work waits for a model: a refusal is no news then."""
        self._waiting_since = self.blocked_reason = None

    def apply(self, now: float) -> None:
        """Hear that the settings have changed: what failed before may work now."""
        self._failures, self._estimate, self.retry_at, self.blocked_reason = 0, 0, now, None
