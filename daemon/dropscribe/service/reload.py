"""The settings file while the daemon runs: re-read when it was saved and has settled for a second."""

import os

from msgspec import structs

from dropscribe.config import Settings, default_path, load, restart_needed
from dropscribe.config.folders import layout_faults
from dropscribe.core.errors import ConfigError
from dropscribe.log import LOG

LOOK = 2.0  # seconds between looks at the file
SETTLE = 1.0  # seconds for which it must be unchanged


class ConfigReload:
    """Watches one file; an empty or faulty one changes nothing and is reported."""

    def __init__(self, path: str | None, settings: Settings, now: float) -> None:
        self._explicit = path is not None
        self.path = path or default_path()
        self._running = settings
        self._seen = self._pending = self._stamp()
        self._pending_since = now
        self._next_look = now + LOOK
        self.error: str | None = None
        self.restart_needed: list[str] = []

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    @property
    def folder(self) -> str:
        """The folder of the settings file, or the one above that is there."""
        folder = os.path.dirname(os.path.abspath(self.path))
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        return folder

    def tick(self, now: float) -> Settings | None:
        """Return new settings to take over, when there are any."""
        if now < self._next_look:
            return None
        stamp = self._stamp()
        if stamp != self._pending:
            self._pending, self._pending_since = stamp, now
        self._next_look = now + (LOOK if self._pending == self._seen else SETTLE)
        if self._pending == self._seen or now - self._pending_since < SETTLE:
            return None
        self._seen = self._pending
        return self._read()

    def _read(self) -> Settings | None:
        if self._pending is None and self._explicit:
            self.error = f"{self.path} is not there any more; the settings in force stay"
            return None
        try:
            reload = load(self.path if self._pending is not None else None)
        except ConfigError as error:
            self.error = error.summary
            LOG.error("the saved settings are not taken over: %s", self.error)
            return None
        self.error = None
        self.restart_needed = restart_needed(self._running, reload)
        log = structs.replace(reload.log, folder=self._running.log.folder, format=self._running.log.format)
        merged = structs.replace(reload, folders=self._running.folders, log=log)
        if faults := layout_faults(merged, os.path.basename(self.path)):  # with the folders that need a restart
            self.error = f"{faults[0].where}: {faults[0].what}; the folders in force stay until a restart"
            LOG.error("the saved settings are not taken over: %s", self.error)
            return None
        LOG.info(
            "settings taken over%s",
            f"; needs a restart: {', '.join(self.restart_needed)}" if self.restart_needed else "",
        )
        return merged

    def deadline(self) -> float:
        """Return when to look next."""
        return self._next_look
