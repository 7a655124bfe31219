"""`dropscribe read`: the text of files and folders, printed or written elsewhere; nothing is moved or queued.

If a daemon is running, it does the work, so that there is never a second model.
"""

import argparse
import errno
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropscribe.commands import read_checks, read_files
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, complain, settings_of
from dropscribe.commands.read_files import Target
from dropscribe.commands.words import left
from dropscribe.config import Settings, recipes
from dropscribe.control import client, lock
from dropscribe.core import protocol
from dropscribe.core.errors import REMEDIES, DropscribeError, Reason, ReasonedError, UsageError
from dropscribe.core.job import Order, Outcome, printable
from dropscribe.core.protocol import ReadAnswer, ReadRequest, ToDaemon
from dropscribe.core.remarks import PLEASE_CHECK
from dropscribe.engines import registry
from dropscribe.engines.base import Signals
from dropscribe.formats.registry import SUFFIXES
from dropscribe.memory import readings

if TYPE_CHECKING:
    from dropscribe.worker.reading import Reading
    from dropscribe.worker.scheduler import Scheduler

CHECKED = SUFFIXES["json"]  # what says what a second reader has to say


@dataclass(frozen=True)
class Wish:
    """How files are to be read: the format, words for the engine in place of its setting, and by which recipe."""

    format: str
    prompt: str | None
    recipe: str | None = None
    check: bool = False  # what a second reader says is to be told too

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats to ask for; only JSON says what a second reader has to say."""
        return tuple(dict.fromkeys((self.format, *(["json"] if self.check else []))))


def read(given: argparse.Namespace, worker: Sequence[str]) -> int:
    """Print the text of each file, or write it into a folder; exit 1 if any could not be read."""
    settings = _by_recipe(settings_of(given), given.recipe)
    form = given.format or (settings.output.formats[0] if given.recipe else "txt")
    wish = Wish(form, given.prompt, given.recipe, given.check)
    read_files.check_output(wish.format, given.output, given.paths)
    all_read, printed = True, False
    with tempfile.TemporaryDirectory(prefix="dropscribe-read-") as private:
        targets = list(read_files.targets(given.paths, private, settings.intake.ignore))
        titled = read_files.has_titles(wish.format, given.output, len(targets))
        through = lock.holder(settings.folders.state) is not None
        answers = (_through_daemon if through else _alone)(settings, targets, wish, private)
        for target, answer in zip(targets, answers, strict=True):
            title = read_files.title(target, first=not printed) if titled else ""
            put = _put(target, answer, wish.format, given.output, title)
            all_read, printed = put and all_read, put or printed
            if wish.check and answer.ok:
                read_checks.tell(target.name, answer.files[CHECKED], settings.engine, wish.prompt)
    return EXIT_DONE if all_read else EXIT_FAILED


def _by_recipe(settings: Settings, recipe: str | None) -> Settings:
    """Return the settings of the recipe called *recipe*, or the base's without a name; raise `UsageError`."""
    if recipe is None:
        return settings
    named = recipes.named(settings)
    if recipe not in named:
        known = f"one of: {', '.join(named)}" if named else "leave --recipe out: config.yaml has no recipes"
        raise UsageError("read", f"there is no recipe of that name (got {recipe!r})", known)
    return named[recipe].settings


def _put(target: Target, answer: ReadAnswer, form: str, output: str | None, title: str) -> bool:
    if not answer.ok:
        reason = answer.reason
        remedy = _remedy(Reason(reason)) if reason else answer.remedy or "dropscribe logs, or dropscribe doctor"
        complain(target.name, (answer.error or "") + (f" ({reason})" if reason else ""), remedy)
        return False
    try:
        # JSON may be there for the sake of `--check` alone.
        asked_for = {suffix: path for suffix, path in answer.files.items() if suffix != CHECKED or form == "json"}
        read_files.put(target, asked_for, form, output, title)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        what = f"its text cannot be written ({error.strerror or error})"
        complain(target.name, what, "choose another folder: -o FOLDER")
        return False
    if answer.review:
        doubts = [remark for remark in answer.remarks if remark.startswith(PLEASE_CHECK)]
        print(f"warning: {target.name}: {(doubts or [f'low confidence, {PLEASE_CHECK} the text'])[0]}", file=sys.stderr)
    return True


def _through_daemon(settings: Settings, targets: Sequence[Target], wish: Wish, private: str) -> Iterator[ReadAnswer]:
    for target in targets:
        if missing := _missing(target.path):
            yield missing
            continue
        request = ReadRequest(target.path, wish.formats, wish.prompt, wish.recipe)
        with client.asking(settings.folders.state, request, ReadAnswer, timeout=None) as answer:
            yield answer  # its files are there until we hang up, which is when the next one is asked for


def _remedy(reason: Reason) -> str:
    """Return what helps against *reason*, for a file that is in no queue and in no failed folder."""
    told = REMEDIES[reason].replace("run: dropscribe retry", "read it again")
    return told.removesuffix("; the queue resumes by itself").removesuffix("; the queue resumes")


def _missing(path: str) -> ReadAnswer | None:
    if os.path.isfile(path):
        return None
    if os.path.exists(path):
        return ReadAnswer(ok=False, error="this is no regular file", remedy="name a picture, a PDF or a folder")
    return ReadAnswer(ok=False, error="no such file", remedy="check the path")


def _alone(settings: Settings, targets: Sequence[Target], wish: Wish, private: str) -> Iterator[ReadAnswer]:
    """Read in this process: the model is loaded once for all files, and always released."""
    from dropscribe.engines.session import engine_session
    from dropscribe.worker.reading import Reading
    from dropscribe.worker.scheduler import Scheduler

    readings.one_heap()
    name, _ = registry.choose(settings.engine.name)
    signals = Signals(warning=lambda text: print(f"warning: {text}", file=sys.stderr))
    engine = registry.create(name, settings, signals)
    with _progress(len(targets)) as show, ExitStack() as stack:
        try:
            stack.enter_context(engine_session(engine, lambda progress: show.step(progress.step)))
        except ReasonedError as error:
            raise DropscribeError("read", error.detail, _remedy(error.reason)) from None
        scheduler = Scheduler(show.hear)
        reading = Reading(engine, signals, settings, f"{private}/state", scheduler, show.hear)
        stack.enter_context(closing(reading))
        for number, target in enumerate(targets, 1):
            yield _missing(target.path) or _one(reading, show, _order(number, target.path, wish, private))


def _order(number: int, path: str, wish: Wish, private: str) -> Order:
    encoded = os.fsencode(path)
    stem, staging = os.path.basename(encoded), os.fsencode(os.path.join(private, str(number)))
    return Order(number, 0, printable(stem), encoded, stem, staging, wish.formats, prompt=wish.prompt)


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
        self._pages, self._since = 0, 0.0
        self._shown = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Show *text*."""
        if self._shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def hear(self, message: ToDaemon) -> None:
        """Show the progress."""
        match message:
            case protocol.Opened(pages=pages):
                self._pages, self._since = pages, time.monotonic()
            case protocol.Attempt(page=page) if self._pages:
                done = int(20 * (page - 1) / self._pages)
                bar = f"{'#' * done}{'.' * (20 - done)}"
                rest = left(page - 1, self._pages, time.monotonic() - self._since)
                told = f"file {self.file} of {self._files} [{bar}] page {page} of {self._pages}"
                self.step(f"{told}, {rest}" if rest else told)
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
