"""Notes what model, memory and queue are like, for `history`. It rides on the loop's own wake-ups and asks for none."""

import time

from dropscribe.core.status import HistorySample
from dropscribe.host.host import Host
from dropscribe.journal.journal import Journal
from dropscribe.memory import readings
from dropscribe.memory.history import History


class Recorder:
    """Feeds a `History` from the daemon's parts."""

    def __init__(self, host: Host, journal: Journal) -> None:
        self.history = History()
        self._host, self._journal = host, journal

    def tick(self) -> None:
        """Take a sample if one is wanted now; a machine that does not tell now is asked again at the next wake-up."""
        now, host = time.time(), self._host
        if not self.history.due(now, str(host.state)):
            return
        sampled = host.monitor.sample if host.monitor.sampling(host.state) else None
        try:
            available = sampled.available_bytes if sampled is not None else readings.available().bytes
        except readings.Unreadable:
            return
        footprint = host.stats.footprint if host.stats is not None else None
        sample = HistorySample(now, str(host.state), footprint, available, self._journal.queued())
        self.history.add(sample, host.last_unload.reason if host.last_unload is not None else None)
