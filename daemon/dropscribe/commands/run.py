"""`dropscribe run`: the daemon in the foreground, or as launchd and systemd start it."""

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Sequence

from dropscribe import config, lock, log, memory
from dropscribe.agent import launchd
from dropscribe.config import Settings
from dropscribe.errors import ConfigError, DropscribeError, ReasonedError
from dropscribe.journal.schema import TooNew
from dropscribe.log import LOG
from dropscribe.service import Service

MENDED_LOOK = 2.0  # seconds between looks at faulty settings


def run(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Run the daemon; return its exit code."""
    settings = wait_for_settings(given.config) if given.agent else config.load(given.config)
    to_terminal = not given.agent and sys.stderr.isatty()
    log.start(settings.log.folder, settings.log.level, settings.log.format, to_terminal=to_terminal)
    memory.set_dataless_policy()
    if given.agent:
        os.umask(0o077)
        launchd.shorten_output(settings.log.folder)
        wait_for_lock(settings.folders.state)
    with _service(settings, given, worker) as service:
        if to_terminal:
            print(
                f"Drop pictures into {settings.folders.inbox}",
                f"Their text appears in {settings.folders.outbox}",
                "Ctrl-C stops.",
                sep="\n",
                file=sys.stderr,
            )
        return service.run(once=given.once)


def _service(settings: Settings, given: argparse.Namespace, worker: Sequence[str]) -> Service:
    """Return the daemon, ready to run; an agent waits for what keeps it from starting, anybody else is told."""
    told = ""
    while True:
        try:
            return Service(settings, given.config, agent=given.agent, command=worker)
        except (OSError, sqlite3.Error, TooNew, ReasonedError) as error:
            if not given.agent:
                remedy = "free some space there, or choose another folders.state"
                raise DropscribeError(
                    "run", f"the state {settings.folders.state} cannot be used ({error})", remedy
                ) from None
            if str(error) != told:
                told = str(error)
                LOG.error("waiting for the state %s to be usable: %s", settings.folders.state, error)
            time.sleep(MENDED_LOOK)


def wait_for_lock(state: str) -> None:
    """Wait for another daemon on the same state to end: an agent that gave up would be started again for ever."""
    told = False
    while (pid := lock.holder(state)) is not None:
        if not told:
            LOG.error("waiting for another daemon (pid %d) on %s to end", pid, state)
            told = True
        time.sleep(MENDED_LOOK)


def wait_for_settings(path: str | None) -> Settings:
    """Return the settings; while they are faulty stay up, cold, and wait for the file to be mended.

    An agent that exits on a lasting fault is started again for ever, or vanishes without a word.
    """
    told = None
    while True:
        try:
            return config.load(path)
        except ConfigError as error:
            what = "; ".join(f"{fault.where}: {fault.what}" for fault in error.faults)
            if what != told:
                told = what
                log.start(config.log_home(), "info", "text", to_terminal=True)
                LOG.error("waiting for the settings to be mended: %s", what)
            time.sleep(MENDED_LOOK)
