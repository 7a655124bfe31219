"""`dropscribe read`: the text of files on standard output; nothing is moved and nothing is queued.

If a daemon is running, it does the work, so that there is never a second model.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of
from dropscribe.config import Settings
from dropscribe.control import client, lock
from dropscribe.core.errors import REMEDIES, DropscribeError, Reason, ReasonedError
from dropscribe.core.job import Order, Outcome
from dropscribe.engines import registry
from dropscribe.engines.base import Signals
from dropscribe.formats.registry import SUFFIXES


def read(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Print the text of each file; exit 1 if any could not be read."""
    settings = settings_of(given)
    all_read = True
    with tempfile.TemporaryDirectory(prefix="dropscribe-read-") as private:
        paths = [_standard_input(private) if name == "-" else os.path.abspath(name) for name in given.files]
        through = lock.holder(settings.folders.state) is not None
        ask = _through_daemon if through else _alone
        for name, answer in zip(given.files, ask(settings, paths, given.format, private), strict=True):
            all_read = _print(name, answer, given.format) and all_read
    return EXIT_DONE if all_read else EXIT_FAILED


def _standard_input(folder: str) -> str:
    path = os.path.join(folder, "standard input")
    with open(path, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _print(name: str, answer: dict[str, Any], form: str) -> bool:
    if not answer["ok"]:
        reason = answer.get("reason")
        remedy = REMEDIES[Reason(reason)] if reason else "check the path, or look at: dropscribe logs"
        complain(name, answer["error"] + (f" ({reason})" if reason else ""), remedy)
        return False
    with open(answer["files"][SUFFIXES[form]], "rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    if answer.get("review"):
        print(f"warning: {name}: low confidence, please check the text", file=sys.stderr)
    return True


def _through_daemon(settings: Settings, paths: Sequence[str], form: str, private: str) -> Iterator[dict[str, Any]]:
    for path in paths:
        yield _missing(path) or client.ask(
            settings.folders.state, timeout=None, command="read", path=path, formats=[form]
        )


def _missing(path: str) -> dict[str, Any] | None:
    if os.path.isfile(path):
        return None
    return {"ok": False, "error": "no such file"}


def _alone(settings: Settings, paths: Sequence[str], form: str, private: str) -> Iterator[dict[str, Any]]:
    """Read in this process: the model is loaded once for all files, and always released."""
    from dropscribe.engines.session import engine_session
    from dropscribe.worker import document

    name, _ = registry.choose(settings.engine.name)
    engine = registry.create(name, settings, Signals())
    with _progress(len(paths)) as show, ExitStack() as stack:
        try:
            stack.enter_context(engine_session(engine, lambda progress: show.step(progress.step)))
        except ReasonedError as error:
            raise DropscribeError("read", error.detail, REMEDIES[error.reason]) from None
        for number, path in enumerate(paths, 1):
            show.file = number
            name, staging = os.path.basename(path), os.path.join(private, str(number))
            order = Order(number, 0, name, path, name, staging, (form,))
            yield _missing(path) or _one(
                partial(document.read, order, engine, settings, f"{private}/state", show), order
            )


def _one(read: Callable[[], Outcome], order: Order) -> dict[str, Any]:
    """Return the answer for one file, in the daemon's form."""
    try:
        outcome = read()
    except ReasonedError as error:
        return {"ok": False, "error": error.detail, "reason": str(error.reason)}
    except MemoryError:
        return {"ok": False, "error": "it needs more memory than is allowed", "reason": str(Reason.DECODE_MEMORY)}
    except OSError as error:
        return {"ok": False, "error": str(error)}
    files = {suffix: os.path.join(order.staging, "out" + suffix) for suffix in outcome.staged}
    return {"ok": True, "files": files, "review": outcome.review}


class _Progress:
    """A progress line on the terminal; nothing where there is no terminal."""

    def __init__(self, files: int) -> None:
        self.file, self._files = 0, files
        self._shown = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Show *text*."""
        if self._shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def progress(self, stage: str, page: int, pages: int) -> None:
        """Show the current page."""
        if not pages:
            return
        done = int(20 * (page - 1) / pages)
        self.step(f"file {self.file} of {self._files} [{'#' * done}{'.' * (20 - done)}] page {page} of {pages}")

    def wants_yield(self, *, long: bool) -> bool:
        """Nobody waits behind this."""
        return False

    def wants_stop(self) -> bool:
        """Ctrl-C does that."""
        return False


@contextmanager
def _progress(files: int) -> Iterator[_Progress]:
    show = _Progress(files)
    try:
        yield show
    finally:
        show.step("")
