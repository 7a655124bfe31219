"""`dropscribe install` and `uninstall`: start at login, or no longer. All data is kept."""

import argparse
import os
import sys

from dropscribe.agent import plan
from dropscribe.agent.install import install as bring_up
from dropscribe.agent.supervisor import supervisor_for
from dropscribe.agent.timeouts import Timeouts
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, settings_of
from dropscribe.config import home


def install(given: argparse.Namespace) -> int:
    """Install and start the agent once the settings are valid; with --print only show what would be written."""
    supervisor = supervisor_for(given.system)
    settings = settings_of(given)
    made = plan.make(settings, given.config, os.environ)
    if given.print:
        print(supervisor.render(made).decode(), end="")
        return EXIT_DONE
    runs = bring_up(supervisor, made, settings, _say, home=home())
    _say(f"Drop pictures into {settings.folders.inbox}; their text appears in {settings.folders.outbox}")
    return EXIT_DONE if runs else EXIT_FAILED


def uninstall(given: argparse.Namespace) -> int:
    """Stop the agent and remove it; works with invalid settings too, since it needs none."""
    supervisor = supervisor_for()
    removed = supervisor.remove(Timeouts())
    _say(
        f"Dropscribe is stopped and no longer starts at login; {supervisor.path} is removed. Folders, settings, models "
        "and journal are kept."
        if removed
        else f"Nothing to remove: no {supervisor.name} is installed."
    )
    return EXIT_DONE


def _say(text: str) -> None:
    print(text, file=sys.stderr if text.startswith(("error:", "warning:")) else sys.stdout, flush=True)
