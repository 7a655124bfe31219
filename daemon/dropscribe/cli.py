"""The commands; thin. Each prints plain language, or JSON where asked, and returns an exit code."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from dropscribe import __version__
from dropscribe.commands.common import EXIT_DONE, EXIT_USAGE, complain
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.host.process import COMMAND


class _Parser(argparse.ArgumentParser):
    """Tells wrong usage as every other error is told."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("dropscribe").strip() or "dropscribe"
        complain(command, message, f"{self.prog} --help")
        sys.exit(EXIT_USAGE)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = _Parser(add_help=False)
    common.add_argument("--config", metavar="PATH", help="the settings file (default: the platform's own place)")
    top = _Parser(
        prog="dropscribe",
        description="Drop a picture into a folder; its text appears in another; nothing leaves the machine.",
    )
    top.add_argument("--version", action="version", version=f"dropscribe {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common])

    run = add("run", "watch the inbox and read what is dropped there")
    run.add_argument("--once", action="store_true", help="read what is there, then leave")
    run.add_argument(
        "--agent",
        action="store_true",
        help="as launchd and systemd start it: stay up even when the settings are faulty",
    )
    read = add("read", "print the text of files; nothing is moved")
    read.add_argument("files", nargs="+", metavar="FILE", help="a picture or PDF; - for standard input")
    read.add_argument("--format", choices=("txt", "md", "json"), default="txt")
    status = add("status", "show what the daemon is doing")
    status.add_argument("--json", action="store_true")
    status.add_argument("--watch", action="store_true", help="keep showing it until Ctrl-C")
    add("unload", "give the model's memory back now, after the page in hand")
    add("pause", "read nothing until `resume`")
    add("resume", "go on reading")
    retry = add("retry", "move failed files back into the inbox")
    retry.add_argument("names", nargs="*", metavar="NAME")
    retry.add_argument("--all", action="store_true", help="all of them")
    add("check", "check the settings and print what is in force")
    doctor = add("doctor", "look for what could be wrong, with a remedy for each")
    doctor.add_argument("what", nargs="?", choices=("memory",))
    doctor.add_argument("--json", action="store_true")
    doctor.add_argument(
        "--report", action="store_true", help="write all that a maintainer needs to a file; loads the model once"
    )
    models = add("models", "list, fetch or remove models")
    models.add_argument("action", nargs="?", choices=("list", "pull", "remove"), default="list")
    models.add_argument("name", nargs="?")
    install = add("install", "start with the login, as a launchd agent or a systemd user unit")
    install.add_argument("--print", action="store_true", help="show what would be written, and do nothing")
    install.add_argument("--for", dest="system", choices=("launchd", "systemd"))
    add("uninstall", "do not start with the login any more; all data stays")
    logs = add("logs", "print the log")
    logs.add_argument("-f", "--follow", action="store_true")
    add("demo", "read four sample pictures in a temporary folder and show what happens")
    return top


def main(arguments: Sequence[str] | None = None, *, worker: Sequence[str] = COMMAND) -> int:
    """Run one command and return its exit code; *worker* is what the daemon starts as its worker."""
    given = parser().parse_args(arguments)
    try:
        return _commands(worker)[given.command](given)
    except ConfigError as error:
        for fault in error.faults:
            complain(fault.where, fault.what, fault.remedy)
        return error.exit_code
    except DropscribeError as error:
        complain(error.where, error.what, error.remedy)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return EXIT_DONE


def _commands(worker: Sequence[str]) -> dict[str, Callable[[argparse.Namespace], int]]:
    """Return the commands; each imports what it needs, so that the daemon carries none of the others."""

    def lazy(module: str, name: str) -> Callable[[argparse.Namespace], int]:
        def command(given: argparse.Namespace) -> int:
            from importlib import import_module

            return int(getattr(import_module(f"dropscribe.commands.{module}"), name)(given))

        return command

    def run(given: argparse.Namespace) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(EXIT_DONE))  # until the daemon is there to end in order
        from dropscribe.commands import run

        return run.run(given, worker)

    def read(given: argparse.Namespace) -> int:
        from dropscribe.commands import read

        return read.read(given, worker)

    names = {
        "status": "show", "check": "show", "logs": "show",
        "pause": "steer", "resume": "steer", "unload": "steer", "retry": "steer",
        "models": "models", "doctor": "doctor", "install": "agents", "uninstall": "agents", "demo": "demo",
    }  # fmt: skip
    return {"run": run, "read": read} | {name: lazy(module, name) for name, module in names.items()}
