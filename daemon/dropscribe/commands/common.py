"""What all commands share: exit codes, the form of errors, and the settings that the command line names."""

import argparse
import os
import sys

from msgspec import structs

from dropscribe import config
from dropscribe.config import Settings
from dropscribe.control import registry
from dropscribe.core.errors import ConfigError
from dropscribe.core.job import on_one_line

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def complain(where: str, what: str, remedy: str) -> None:
    """Print an error in two lines, whatever characters a file name in it has."""
    print(f"error: {on_one_line(where)}: {on_one_line(what)}", file=sys.stderr)
    if remedy:
        print(f"  try: {on_one_line(remedy)}", file=sys.stderr)


def settings_of(given: argparse.Namespace) -> Settings:
    """Return the checked settings that the command line names."""
    return config.load(given.config)


def settings_to_ask(given: argparse.Namespace) -> tuple[Settings, ConfigError | None]:
    """Return settings that suffice to find a running daemon, and what is wrong with the file, if anything.

    A daemon keeps its old settings when an invalid file is saved; it must stay reachable all the same. A file that is
    named and not there, with no daemon that has begun with it, is raised as `ConfigError`.
    """
    try:
        return config.load(given.config), None
    except ConfigError as error:
        settings = error.salvaged if isinstance(error.salvaged, Settings) else Settings()
        running = registry.state_of(given.config)
        if given.config and running is None and not os.path.exists(given.config):
            raise
        state = running or settings.folders.state
        return structs.replace(settings, folders=structs.replace(settings.folders, state=state)), error
