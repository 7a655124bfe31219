"""`dropscribe run`: the daemon in the foreground, or as launchd and systemd start it."""

import argparse
import sqlite3
import sys
import time
from collections.abc import Sequence

from dropscribe import config, log
from dropscribe.agent import launchd
from dropscribe.commands.common import settings_to_ask
from dropscribe.config import Settings
from dropscribe.control import lock
from dropscribe.core.errors import DropscribeError, ReasonedError, UsageError
from dropscribe.journal.schema import TooNew
from dropscribe.log import LOG
from dropscribe.memory import readings
from dropscribe.service.app import Service
from dropscribe.service.standby import Standby

RETRY_INTERVAL = 2.0  # seconds between attempts of an agent that cannot start yet


def run(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Run the daemon; return its exit code."""
    settings = _settings_of_agent(given) if given.agent else config.load(given.config)
    to_terminal = not given.agent and sys.stderr.isatty()
    log.start(settings.log.folder, settings.log.level, settings.log.format, to_terminal=to_terminal)
    readings.set_dataless_policy()
    if given.agent:
        launchd.shorten_output(settings.log.folder)
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
    """Return the daemon, ready to run; an agent waits until it can start, any other start raises the fault."""
    told = ""
    while True:
        try:
            return Service(settings, given.config, agent=given.agent, command=worker)
        except UsageError as error:  # another daemon was quicker, or the socket's folder belongs to another user
            if not given.agent:
                raise
            fault: Exception = error
        except (OSError, sqlite3.Error, TooNew, ReasonedError) as error:
            fault = error
            if not given.agent:
                remedy = "free some space there, or choose another folders.state"
                raise DropscribeError(
                    "run", f"the state {settings.folders.state} cannot be used ({error})", remedy
                ) from None
        if str(fault) != told:
            told = str(fault)
            LOG.error("waiting for the state %s to be usable: %s", settings.folders.state, fault)
        time.sleep(RETRY_INTERVAL)


def _settings_of_agent(given: argparse.Namespace) -> Settings:
    """Return valid settings whose state folder is free; wait until there are any."""
    while True:
        settings = wait_for_settings(given)
        if not wait_for_lock(settings):
            return settings  # read just now


def wait_for_lock(settings: Settings) -> bool:
    """Wait for another daemon on the same state to end; return whether there was one.

    An agent that gave up would be restarted for ever.
    """
    state, told = settings.folders.state, False
    while (pid := lock.holder(state)) is not None:
        if not told:
            log.start(settings.log.folder, "info", "text", to_terminal=True)
            LOG.error("waiting for another daemon (pid %d) on %s to end", pid, state)
            told = True
        time.sleep(RETRY_INTERVAL)
    return told


def wait_for_settings(given: argparse.Namespace) -> Settings:
    """Return the settings; while they are invalid keep running without a model, answer `status`, and wait.

    An agent that exits on a lasting fault is restarted for ever, or disappears silently.
    """
    waiting, told = None, ""
    try:
        while True:
            settings, error = settings_to_ask(given)
            if error is None:
                return settings
            if waiting is None:
                log.start(settings.log.folder, "info", "text", to_terminal=True)
                waiting = Standby(settings, given.config)
            if error.summary != told:
                told = error.summary
                LOG.error("the configuration is invalid; waiting for a corrected file: %s", told)
            waiting.wait(told, RETRY_INTERVAL)
    finally:
        if waiting is not None:
            waiting.close()
