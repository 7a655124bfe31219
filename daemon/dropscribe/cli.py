"""The command line: parsing, dispatch, and how errors are reported. The work is done in `commands`."""

import argparse
import difflib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from dropscribe import __version__
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, complain
from dropscribe.core.errors import ConfigError, DropscribeError
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.process import COMMAND


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in the same form as every other error."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("dropscribe").strip() or "dropscribe"
        complain(command, message, f"{self.prog} --help")
        sys.exit(EXIT_USAGE)


def _number(high: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number that is not negative, up to *high*."""

    def parse(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = -1
        if number < 0 or (high is not None and number > high):
            most = "or more" if high is None else f"to {high}"
            raise argparse.ArgumentTypeError(f"must be a whole number, 0 {most} (got {word})")
        return number

    return parse


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = _Parser(add_help=False)
    common.add_argument(
        "--config",
        metavar="PATH",
        type=os.path.abspath,
        help="the settings file (default: the platform's own location)",
    )
    top = _Parser(
        prog="dropscribe",
        description="Drop a picture into a folder; its text appears in another; nothing leaves the machine.",
    )
    top.add_argument("--version", action="version", version=f"dropscribe {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common])

    run = add("run", "watch the inbox and read what is dropped there")
    run.add_argument("--once", action="store_true", help="read what is there, then exit")
    run.add_argument(
        "--agent",
        action="store_true",
        help="as launchd and systemd start it: keep running even when the settings are invalid",
    )
    read = add("read", "print the text of files, or write it elsewhere; nothing is moved")
    read.add_argument(
        "paths", nargs="+", metavar="PATH",
        help="a picture, a PDF or a folder; - for standard input. Of several files each text (txt, md) has a line with "
        "its name above it, and JSON documents follow one another",
    )  # fmt: skip
    read.add_argument("--format", choices=tuple(SUFFIXES), help="default: txt, or the first one of the recipe")
    read.add_argument("--recipe", metavar="NAME", help="by the settings of this recipe")
    read.add_argument("--prompt", metavar="WORDS", help="in place of engine.prompt, where the engine takes one")
    read.add_argument(
        "-o", "--output", nargs="?", const="", metavar="FOLDER",
        help="write into FOLDER, or without it beside each file; nothing is overwritten",
    )  # fmt: skip
    read.add_argument("--check", action="store_true", help="tell what the second reader of a page does not confirm")
    status = add("status", "show what the daemon is doing")
    status.add_argument("--json", action="store_true")
    status.add_argument("--watch", action="store_true", help="keep showing it until Ctrl-C")
    add("unload", "unload the model now, or after the current page")
    add("pause", "pause the queue until `resume`")
    add("resume", "resume a paused queue")
    retry = add("retry", "move failed files back into the inbox")
    retry.add_argument("names", nargs="*", metavar="NAME")
    retry.add_argument("--all", action="store_true", help="all of them")
    add("check", "check the settings and print the effective ones")
    doctor = add("doctor", "check the installation, with a remedy for each problem")
    doctor.add_argument("what", nargs="?", choices=("memory",))
    doctor.add_argument("--json", action="store_true")
    doctor.add_argument(
        "--report", action="store_true", help="write a file for a maintainer; reads a sample with the model"
    )
    models = add("models", "list, download or remove models")
    models.add_argument("action", nargs="?", choices=("list", "pull", "remove"), default="list")
    models.add_argument("name", nargs="?")
    install = add("install", "start at login, as a launchd agent or a systemd user unit")
    install.add_argument("--print", action="store_true", help="print what would be written, and change nothing")
    install.add_argument("--for", dest="system", choices=("launchd", "systemd"))
    add("uninstall", "no longer start at login; all data is kept")
    logs = add("logs", "print the log")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=_number(), metavar="N", help="only the last N lines")
    help_ = add("help", "explain a command")
    help_.add_argument("topic", nargs="?", metavar="COMMAND")
    web = add("web", "open a page in the browser that shows what is done and what was read")
    web.add_argument(
        "--port", type=_number(65535), default=0, metavar="N", help="serve on this port (default: any free one)"
    )
    web.add_argument("--no-open", action="store_true", help="only print the address")
    add("demo", "process four sample pictures in a temporary folder and show each step")
    return top


def _commands_of(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    (found,) = (action.choices for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found)


def _known(word: str, known: Iterable[str]) -> bool:
    """Say whether *word* is a command; complain, with the nearest one, where it is not."""
    if word in known:
        return True
    near = difflib.get_close_matches(word.lower(), known, n=1)
    remedy = f"dropscribe {near[0]}" if near else "dropscribe help lists the commands"
    complain("dropscribe", f'there is no command "{word}"', remedy)
    return False


def _config_behind(words: list[str]) -> list[str]:
    """Return *words* with a `--config PATH` before the command put behind it, where the commands' parsers look."""
    count = 2 if words[:1] == ["--config"] else 1 if words and words[0].startswith("--config=") else 0
    return [*words[count : count + 1], *words[:count], *words[count + 1 :]] if words[count:] else words[:0]


def _taken(words: Sequence[str], command: argparse.ArgumentParser) -> bool:
    """Say whether nothing is left over of a command's words; complain of the first, with the option nearest to it."""
    if not words:
        return True
    name, _, _ = words[0].partition("=")
    near = difflib.get_close_matches(name, command._option_string_actions, n=1) if name.startswith("-") else []
    what = f"there is no option {name}" if name.startswith("-") else f"does not know what to do with {words[0]}"
    remedy = f"{near[0]}, or: {command.prog} --help" if near else f"{command.prog} --help"
    complain(command.prog.removeprefix("dropscribe "), what, remedy)
    return False


def _help(top: argparse.ArgumentParser, topic: str | None) -> int:
    commands = _commands_of(top)
    if topic is not None and not _known(topic, commands):
        return EXIT_USAGE
    (top if topic is None else commands[topic]).print_help()
    return EXIT_DONE


def _complete_streams() -> None:
    """Give closed standard streams to nobody: the next file opened would get their numbers, and what is printed."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def main(arguments: Sequence[str] | None = None, *, worker: Sequence[str] = COMMAND) -> int:
    """Run one command and return its exit code; *worker* is what the daemon starts as its worker."""
    _complete_streams()
    top, words = parser(), _config_behind(list(sys.argv[1:] if arguments is None else arguments))
    if words and not words[0].startswith("-") and not _known(words[0], _commands_of(top)):
        return EXIT_USAGE
    given, unknown = top.parse_known_args(words)
    if not _taken(unknown, _commands_of(top)[given.command]):
        return EXIT_USAGE
    if given.command == "help":
        return _help(top, given.topic)
    try:
        return _commands(worker)[given.command](given)
    except ConfigError as error:
        for fault in error.faults:
            complain(fault.where, fault.what, fault.remedy)
        return error.exit_code
    except DropscribeError as error:
        complain(error.where, error.what, error.remedy)
        return error.exit_code
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith(__package__):
            raise
        what = f"needs the Python package {error.name.partition('.')[0]}, which is not installed here"
        complain(given.command, what, "pip install 'dropscribe[mlx]' in this environment; dropscribe doctor lists more")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return EXIT_DONE


def _commands(worker: Sequence[str]) -> dict[str, Callable[[argparse.Namespace], int]]:
    """Return the commands; each imports only what it needs, which keeps the daemon small."""

    def lazy(module: str, name: str) -> Callable[[argparse.Namespace], int]:
        def command(given: argparse.Namespace) -> int:
            from importlib import import_module

            return int(getattr(import_module(f"dropscribe.commands.{module}"), name)(given))

        return command

    def run(given: argparse.Namespace) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(EXIT_DONE))  # until the daemon handles them itself
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        from dropscribe.commands import run

        return run.run(given, worker)

    def read(given: argparse.Namespace) -> int:
        from dropscribe.commands import read

        return read.read(given, worker)

    names = {
        "status": "show", "check": "show", "logs": "show",
        "pause": "steer", "resume": "steer", "unload": "steer", "retry": "steer",
        "models": "models", "doctor": "doctor", "install": "agents", "uninstall": "agents", "demo": "demo",
        "web": "web",
    }  # fmt: skip
    return {"run": run, "read": read} | {name: lazy(module, name) for name, module in names.items()}
