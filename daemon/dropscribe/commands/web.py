"""`dropscribe web`: the page to look at, served by this process to this machine for as long as a browser looks."""

import argparse
import os
import sys
import webbrowser

from dropscribe import config
from dropscribe.commands import show
from dropscribe.commands.common import EXIT_DONE, settings_to_ask
from dropscribe.config import Settings
from dropscribe.core.errors import ConfigError
from dropscribe.core.status import Status


def web(given: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or until it has not been looked at for ten minutes."""
    from dropscribe.web import server

    latest = _Latest(given)
    server.serve(latest.settings, latest.status, given.port, lambda once, lasting: _open(given, once, lasting))
    return EXIT_DONE


def _open(given: argparse.Namespace, once: str, lasting: str) -> None:
    print(f"The page is at {lasting}\nIt ends ten minutes after it was last looked at, or with Ctrl-C.", flush=True)
    has_display = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}
    if not given.no_open and has_display:
        webbrowser.open(once)


class _Latest:
    """The settings as the file has them now, and the status of the daemon that has them too."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._read = self._changed()
        self._error: ConfigError | None
        self._settings, self._error = settings_to_ask(given)

    def _changed(self) -> int:
        try:
            return os.stat(self._given.config or config.default_path()).st_mtime_ns
        except OSError:
            return 0

    def settings(self) -> Settings:
        """Return the settings; a file that has become invalid changes nothing, as for the daemon."""
        if (changed := self._changed()) != self._read:
            self._read = changed
            found, error = settings_to_ask(self._given)
            self._error = error
            if error is None:
                self._settings = found
        return self._settings

    def status(self) -> Status:
        """Ask the daemon, or else the journal."""
        return show.current(self.settings(), self._given.config, self._error)
