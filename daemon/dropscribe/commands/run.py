"""`dropscribe run`: the daemon in the foreground, or as launchd and systemd start it."""

import argparse
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing

from dropscribe import config, log
from dropscribe.agent import launchd
from dropscribe.commands.common import settings_to_ask
from dropscribe.config import Settings
from dropscribe.control import lock
from dropscribe.core.errors import ConfigError, DropscribeError, ReasonedError
from dropscribe.log import LOG
from dropscribe.memory import readings
from dropscribe.service.app import Service
from dropscribe.service.standby import Standby

RETRY_INTERVAL = 2.0  # seconds between attempts of an agent that cannot start yet


def run(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Run the daemon; return its exit code."""
    settings = _settings_of_agent(given) if given.agent else config.load(given.config)
    to_terminal = not given.agent and sys.stderr.isatty()
    log.start(
        settings.log.folder, settings.log.level, settings.log.format, to_terminal=to_terminal, warnings=given.once
    )
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
        except (OSError, sqlite3.Error, ReasonedError, DropscribeError) as error:
            fault = _told(error, settings)
        if not given.agent:
            raise fault
        if str(fault) != told:
            told = str(fault)
            LOG.error("waiting for the state %s to be usable: %s", settings.folders.state, fault)
        with closing(Standby(settings, given.config, of_settings=False)) as waiting:
            waiting.wait(f"{fault}; {fault.remedy}", RETRY_INTERVAL)


def _told(error: Exception, settings: Settings) -> DropscribeError:
    """Return what to say of a daemon that cannot start: another one was quicker, or its state cannot be used."""
    if isinstance(error, DropscribeError):
        return error
    what = f"the state {settings.folders.state} cannot be used ({error})"
    return DropscribeError("run", what, "free some space there, or choose another folders.state")


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


def _settings_or_fault(given: argparse.Namespace) -> tuple[Settings, ConfigError | None]:
    """Return the settings and what is wrong with them; of a file that is not there, the defaults."""
    try:
        return settings_to_ask(given)
    except ConfigError as error:
        return Settings(), error


def wait_for_settings(given: argparse.Namespace) -> Settings:
    """Return the settings; while they are invalid keep running without a model, answer `status`, and wait.

    An agent that exits on a lasting fault is restarted for ever, or disappears silently.
    """
    waiting, told = None, ""
    try:
        while True:
            settings, error = _settings_or_fault(given)
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
