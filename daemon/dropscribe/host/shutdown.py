"""The end of a worker: asked to release and leave, then SIGTERM, then SIGKILL, each after its grace.

It measures on the way what the release, the end of the process and the machine gave back.
"""

import signal

from dropscribe.core import protocol
from dropscribe.core.protocol import ToDaemon
from dropscribe.host.process import WorkerProcess
from dropscribe.host.values import Unload
from dropscribe.log import LOG
from dropscribe.memory import readings
from dropscribe.memory.policy import size

TERM_GRACE = 10.0  # seconds from SIGTERM to SIGKILL
OBSERVE = 10.0  # seconds for which the machine's memory is watched after the exit: footprints lag by some


class WorkerShutdown:
    """A worker on its way out. `tick` until `over`; then `close`."""

    def __init__(
        self, process: WorkerProcess, unload: Unload, now: float, last_seen: int | None, *, ask: bool, grace: float
    ) -> None:
        """Begin: *ask* it to release and leave, for at most *grace* seconds; unasked, signals follow after *grace*."""
        self._process, self.unload, self._asked = process, unload, ask
        self._begun = now
        self._next_step = now + grace
        self._steps = [signal.SIGTERM, signal.SIGKILL]
        unload.footprint_bytes = readings.footprint(process.pid) or last_seen  # a dead one cannot be measured any more
        self._available_before = _available()
        if ask:
            process.send(protocol.Unload())

    def heard(self, message: ToDaemon) -> None:
        """Measure what the release inside the process gave back, then let the process go."""
        if not isinstance(message, protocol.Released):
            return
        left = readings.footprint(self._process.pid)
        before = self.unload.footprint_bytes
        if before is not None and left is not None:
            self.unload.released_bytes, self.unload.residue_bytes = max(0, before - left), left
        self._process.hang_up()

    def tick(self, now: float) -> None:
        """Take the next step when its time has come."""
        if self.over or now < self._next_step or not self._steps:
            return
        step = self._steps.pop(0)
        self.unload.how = "term" if step is signal.SIGTERM else "kill"
        what = "does not leave by itself" if self._asked else "is not waited for"
        LOG.warning("the worker (pid %d) %s: %s", self._process.pid, what, step.name)
        self._process.signal(step)
        self._next_step = now + TERM_GRACE

    def deadline(self) -> float | None:
        """Return when the next step is due."""
        return self._next_step if self._steps else None

    @property
    def over(self) -> bool:
        """Say whether the process has ended."""
        return self._process.exit_code() is not None

    def close(self, now: float) -> "ReclaimWatch":
        """Reap the process and what it started; return the watch over what the machine got back."""
        self._process.close()
        self.unload.seconds = round(now - self._begun, 3)
        if self.unload.residue_bytes is None:
            self.unload.residue_bytes = self.unload.footprint_bytes
        figures = self.unload.footprint_bytes, self.unload.released_bytes, self.unload.residue_bytes
        LOG.info(
            "unloaded (%s, %s, %.1f s): %s before, %s given back by the release, %s by the exit",
            *(self.unload.reason, self.unload.how, self.unload.seconds, *map(size, figures)),
        )
        return ReclaimWatch(self.unload, self._available_before, now)


class ReclaimWatch:
    """Watches for some seconds how much memory the machine got back; nobody waits for it."""

    def __init__(self, unload: Unload, before: int | None, now: float) -> None:
        self._unload, self._before = unload, before
        self._looks = [now + wait for wait in (0, 0.5, 2, 5, OBSERVE)]

    def tick(self, now: float) -> None:
        """Look when it is time to."""
        while self._looks and now >= self._looks[0]:
            del self._looks[0]
            there = _available()
            if there is not None and self._before is not None:
                self._unload.available_gain_bytes = max(there - self._before, self._unload.available_gain_bytes or 0)

    def deadline(self) -> float | None:
        """Return when the next look is due; None when it is over."""
        return self._looks[0] if self._looks else None


def _available() -> int | None:
    """Return the bytes that the machine has available; None where it does not tell now."""
    try:
        return readings.available().bytes
    except readings.Unreadable:
        return None
