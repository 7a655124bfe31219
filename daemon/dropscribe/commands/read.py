"""`dropscribe read`: the text of files on standard output; nothing is moved and nothing is queued.

If a daemon is running, it does the work, so that there is never a second model.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of
from dropscribe.config import Settings
from dropscribe.control import client, lock
from dropscribe.core import protocol
from dropscribe.core.errors import REMEDIES, DropscribeError, Reason, ReasonedError
from dropscribe.core.job import Order, Outcome, on_one_line, printable
from dropscribe.core.pages import PageText
from dropscribe.core.protocol import ReadAnswer, ReadRequest, ToDaemon
from dropscribe.core.remarks import PLEASE_CHECK, passages
from dropscribe.engines import registry
from dropscribe.engines.base import Signals
from dropscribe.formats.registry import SUFFIXES

if TYPE_CHECKING:
    from dropscribe.worker.reading import Reading
    from dropscribe.worker.scheduler import Scheduler


def read(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Print the text of each file; exit 1 if any could not be read."""
    settings = settings_of(given)
    all_read = True
    with tempfile.TemporaryDirectory(prefix="dropscribe-read-") as private:
        paths = [_standard_input(private) if name == "-" else os.path.abspath(name) for name in given.files]
        through = lock.holder(settings.folders.state) is not None
        answers = _through_daemon if through else _alone
        forms = tuple(dict.fromkeys((given.format, *(["json"] if given.check else []))))
        for name, answer in zip(given.files, answers(settings, paths, forms, private), strict=True):
            all_read = _print(name, answer, given.format) and all_read
            if given.check and answer.ok:
                _print_passages(name, answer.files[SUFFIXES["json"]])
    return EXIT_DONE if all_read else EXIT_FAILED


def _standard_input(folder: str) -> str:
    path = os.path.join(folder, "standard input")
    with open(path, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _print(name: str, answer: ReadAnswer, form: str) -> bool:
    if not answer.ok:
        reason = answer.reason
        remedy = REMEDIES[Reason(reason)] if reason else "check the path, or look at: dropscribe logs"
        complain(name, (answer.error or "") + (f" ({reason})" if reason else ""), remedy)
        return False
    with open(answer.files[SUFFIXES[form]], "rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    if answer.review:
        doubts = [remark for remark in answer.remarks if remark.startswith(PLEASE_CHECK)]
        print(f"warning: {name}: {(doubts or [f'low confidence, {PLEASE_CHECK} the text'])[0]}", file=sys.stderr)
    return True


def _print_passages(name: str, path: str) -> None:
    """Print what the two readers of each page do not share; the text alone goes to standard output."""
    with open(path, encoding="utf-8") as file:
        pages = [PageText.from_dict(page) for page in json.load(file)["pages"]]
    unchecked = [str(page.number) for page in pages if page.check is None or page.check.reader is None]
    for line in (line for page in pages for line in passages(page)):
        print(f"{name}: {on_one_line(line)}", file=sys.stderr)
    if unchecked:
        print(f"{name}: not cross-checked: page{'s' * (len(unchecked) > 1)} {', '.join(unchecked)}", file=sys.stderr)


def _through_daemon(
    settings: Settings, paths: Sequence[str], forms: tuple[str, ...], private: str
) -> Iterator[ReadAnswer]:
    for path in paths:
        if missing := _missing(path):
            yield missing
            continue
        request = ReadRequest(path, forms)
        with client.asking(settings.folders.state, request, ReadAnswer, timeout=None) as answer:
            yield answer  # its files are there until we hang up, which is when the next one is asked for


def _missing(path: str) -> ReadAnswer | None:
    return None if os.path.isfile(path) else ReadAnswer(ok=False, error="no such file")


def _alone(settings: Settings, paths: Sequence[str], forms: tuple[str, ...], private: str) -> Iterator[ReadAnswer]:
    """Read in this process: the model is loaded once for all files, and always released."""
    from dropscribe.engines.session import engine_session
    from dropscribe.worker.reading import Reading
    from dropscribe.worker.scheduler import Scheduler

    name, _ = registry.choose(settings.engine.name)
    signals = Signals()
    engine = registry.create(name, settings, signals)
    with _progress(len(paths)) as show, ExitStack() as stack:
        try:
            stack.enter_context(engine_session(engine, lambda progress: show.step(progress.step)))
        except ReasonedError as error:
            raise DropscribeError("read", error.detail, REMEDIES[error.reason]) from None
        scheduler = Scheduler(show.hear)
        reading = Reading(engine, signals, settings, f"{private}/state", scheduler, show.hear)
        stack.enter_context(closing(reading))
        for number, path in enumerate(paths, 1):
            yield _missing(path) or _one(reading, show, _order(number, path, forms, private))


def _order(number: int, path: str, forms: tuple[str, ...], private: str) -> Order:
    encoded = os.fsencode(path)
    stem = os.path.basename(encoded)
    return Order(number, 0, printable(stem), encoded, stem, os.fsencode(os.path.join(private, str(number))), forms)


def _one(reading: "Reading", show: "_Progress", order: Order) -> ReadAnswer:
    """Return the answer for one file, in the daemon's form."""
    show.file, show.outcome = order.job, None
    reading.add(order)
    reading.read()
    outcome = show.wait(reading.scheduler)
    if outcome.end != "read":
        return ReadAnswer(ok=False, error=outcome.detail or "it vanished", reason=outcome.reason)
    staging = os.fsdecode(order.staging)
    files = {suffix: os.path.join(staging, "out" + suffix) for suffix in outcome.staged}
    return ReadAnswer(files=files, review=outcome.review, remarks=list(outcome.remarks))


class _Progress:
    """A progress line on the terminal (nothing where there is no terminal), and how a file ended."""

    def __init__(self, files: int) -> None:
        self.file, self._files = 0, files
        self.outcome: Outcome | None = None
        self._pages = 0
        self._shown = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Show *text*."""
        if self._shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def hear(self, message: ToDaemon) -> None:
        """Show the progress."""
        match message:
            case protocol.Opened(pages=pages):
                self._pages = pages
            case protocol.Attempt(page=page) if self._pages:
                done = int(20 * (page - 1) / self._pages)
                bar = f"{'#' * done}{'.' * (20 - done)}"
                self.step(f"file {self.file} of {self._files} [{bar}] page {page} of {self._pages}")
            case protocol.Ended(outcome):
                self.outcome = outcome

    def wait(self, scheduler: "Scheduler") -> Outcome:
        """Return how the file ended, once it has been written."""
        with scheduler.changed:
            while self.outcome is None:
                scheduler.changed.wait()
            return self.outcome


@contextmanager
def _progress(files: int) -> Iterator[_Progress]:
    show = _Progress(files)
    try:
        yield show
    finally:
        show.step("")
