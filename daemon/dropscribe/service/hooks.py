"""What happens next: the user's commands after files are done or failed, one at a time, in the order of the files.

A hook never changes what became of its file, and holds up neither other files nor the end of the daemon beyond the
grace. What is to run stands in the journal, so a crash repeats it and forgets none.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

from dropscribe.config import Settings
from dropscribe.core import status_words
from dropscribe.core.job import Job, State
from dropscribe.core.status import HookStatus, LastHook
from dropscribe.journal.hooks import Hook
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service import status
from dropscribe.service.failing_hooks import FailingHooks
from dropscribe.service.flow import Event, Flow, Flows, record
from dropscribe.service.hook_process import HookProcess, Result

OVER = "hook"  # the event that a run is over
REST = 5.0  # seconds after a run that could not begin because the system lacks something now
LONGEST_VARIABLE = 100_000  # bytes: Linux allows 128 KiB (MAX_ARG_STRLEN of <linux/binfmts.h>)


def wanted(job: Job, settings: Settings, recipe: str) -> Hook | None:
    """Return the hook for *job*, whose original is archived, by the *settings* of its files."""
    failed = job.state is State.REJECTED
    command = settings.hooks.failed if failed else settings.hooks.done
    if not command:
        return None
    return Hook(command, settings.hooks.timeout, _told(job, settings, recipe, failed))


def _told(job: Job, settings: Settings, recipe: str, failed: bool) -> dict[str, Any]:
    folders, mode = settings.folders, settings.output.originals
    original = None if job.destination is None else os.fsdecode(job.destination)
    if not failed and mode != "archive":
        original = os.path.join(folders.inbox, os.fsdecode(job.path)) if mode == "keep" else None
    return {
        "state": "failed" if failed else "done",
        "name": os.fsdecode(job.path),
        "recipe": recipe or None,
        "original": original,
        "outputs": [os.path.join(folders.outbox, os.fsdecode(output)) for output in job.outputs],
        "reason": str(job.reason) if failed else None,
        "review": job.review,
    }


def environment(told: dict[str, Any]) -> dict[str, str]:
    """Return the variables that say what became of a file; names are the very bytes of the file system.

    Too many outputs for a variable are only told on standard input.
    """
    outputs = "\n".join(told["outputs"])
    return {
        "DROPSCRIBE_STATE": told["state"],
        "DROPSCRIBE_NAME": told["name"],
        "DROPSCRIBE_RECIPE": told["recipe"] or "",
        "DROPSCRIBE_ORIGINAL": told["original"] or "",
        "DROPSCRIBE_OUTPUTS": outputs if len(os.fsencode(outputs)) <= LONGEST_VARIABLE else "",
        "DROPSCRIBE_REASON": told["reason"] or "",
        "DROPSCRIBE_REVIEW": "1" if told["review"] else "",
    }


class Hooks:
    """Runs what the journal says, one after the other, from *folder*; *wake* turns the loop."""

    def __init__(
        self, journal: Journal, flows: Flows, folder: str, wake: Callable[[], None], settings: Callable[[], Settings]
    ) -> None:
        self._journal, self._flows, self._folder, self._wake = journal, flows, folder, wake
        self._process: HookProcess | None = None
        self._recording = False
        self._rest_until = 0.0
        self._last: LastHook | None = None
        self._failing = FailingHooks(journal.metadata, settings)
        self.stopping = False

    @property
    def busy(self) -> bool:
        """Say whether one is running or about to."""
        return self._process is not None or self._recording or (not self.stopping and self._journal.hooks.count() > 0)

    def deadline(self, now: float) -> float | None:
        """Return when to try again what could not begin."""
        return self._rest_until if self._rest_until > now else None

    def tick(self, now: float) -> None:
        """Take the result of a run that is over, and begin the next."""
        if self._process is not None and self._process.result is not None:
            result, self._process = self._process.result, None
            self._flows.resume(OVER, result)
        free = self._process is None and not self._recording and not self.stopping and now >= self._rest_until
        if free and (found := self._journal.hooks.next()) is not None:
            self._flows.start(self._run(*found))

    def close(self) -> None:
        """End the run under way, which counts as not begun; may be called twice."""
        self.stopping = True
        if self._process is not None:
            self._process.stop()

    def status(self) -> HookStatus:
        """Return what `status` shows."""
        return HookStatus(waiting=self._journal.hooks.count(), last=self._last, failing=self._failing.status())

    def _run(self, number: int, hook: Hook) -> Flow[None]:
        told = json.dumps(hook.told).encode("ascii")
        variables = os.environ | environment(hook.told)
        self._process = HookProcess(hook.command, told, variables, self._folder, hook.timeout, self._wake)
        result: Result = yield Event(OVER)
        self._last = run = self._tell(hook, result)
        if result.stopped:
            self._rest_until = time.monotonic() + REST
            return
        self._recording = True
        try:
            yield from record(lambda: self._record(number, hook, run))
        finally:
            self._recording = False

    def _record(self, number: int, hook: Hook, run: LastHook) -> None:
        self._failing.ended(hook, run)
        self._journal.hooks.ended(number)

    def _tell(self, hook: Hook, result: Result) -> LastHook:
        """Log how a run ended, and return what `status` shows of it."""
        run = LastHook(
            name=status.shown(hook.told["name"]), state=hook.told["state"], command=hook.command[0], exit=result.exit,
            message=result.message, seconds=round(result.seconds, 1), at=status.stamp(time.time()),
        )  # fmt: skip
        if result.ok:
            LOG.info("%s: its hook has run in %.1f s", run.name, result.seconds)
        else:
            LOG.warning("%s: its hook %s %s", run.name, run.command, status_words.ending(run))
        return run
