"""A host with real worker processes, driven as the daemon's loop does it, but with a clock that can be pushed on."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil

from dropscribe.config import Settings, checked
from dropscribe.core.job import Job, Order, Signature, State
from dropscribe.host.host import Host
from dropscribe.host.states import ModelState
from dropscribe.host.values import Event, Gone, Unload
from dropscribe.memory.values import Sample
from support.fakes import picture
from support.harness import wait_for

E = TypeVar("E", bound=Event)
FAKE_WORKER = str(Path(__file__).with_name("fake_worker.py"))
CALM = {"unload_on": "critical", "max_percent": 100}


class Desk:
    """One host, the folder it lives in, the events it has given, and a clock."""

    def __init__(
        self,
        root: Path,
        fake: dict[str, Any] | None = None,
        *,
        command: Sequence[str] | None = None,
        reader: str = "rapidocr",
        **sections: dict[str, Any],
    ) -> None:
        self.reader = reader
        self.root, self.peaks, self.events, self.pushed = root, list[int](), list[Event](), 0.0
        self.samples: list[Sample] = []  # every look at memory
        self.work = False  # whether something waits to be read
        (root / "state").mkdir()
        (root / "out").mkdir()
        self._sections: dict[str, Any] = {"folders": {"inbox": str(root / "in"), "state": str(root / "state")}}
        self._sections["memory"] = CALM
        self.settings = self.change(**sections)
        wish = f"DROPSCRIBE_FAKE={json.dumps(fake or {})}"
        self.host = Host(
            self.settings, reader, lambda: self.peaks, command or ["env", wish, sys.executable, FAKE_WORKER]
        )
        self._orders = 0
        self.transitions: list[tuple[str, str]] = []
        self._listener = Transitions(self.transitions)
        logging.getLogger("dropscribe").addHandler(self._listener)
        logging.getLogger("dropscribe").setLevel(logging.DEBUG)

    def change(self, **sections: dict[str, Any]) -> Settings:
        """Return settings in which these values of these sections are different."""
        for name, values in sections.items():
            self._sections[name] = self._sections.get(name, {}) | values
        self.settings = checked(self._sections, "test")
        return self.settings

    def apply(self, **sections: dict[str, Any]) -> None:
        """Let the host take over changed settings."""
        self.host.apply(self.change(**sections), self.reader, self.now)

    # -- the loop

    @property
    def now(self) -> float:
        return time.monotonic() + self.pushed

    def step(self) -> None:
        """Do one round of the loop."""
        self.host.hear(self.now)
        self.events += self.host.tick(self.now, queue_empty=not self.work)
        sample = self.host.monitor.sample
        if sample is not None and (not self.samples or self.samples[-1] is not sample):
            self.samples.append(sample)

    def pass_time(self, seconds: float, stride: float | None = None) -> None:
        """Push the clock on; the loop gets its turns meanwhile: ten, but none closer than 2 s, or each *stride*."""
        stride = stride or max(2.0, seconds / 10)
        while seconds > 0:
            self.pushed += min(seconds, stride)
            seconds -= stride
            self.step()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Keep the loop going until *condition* holds."""

        def look() -> bool:
            self.step()
            return bool(condition())

        wait_for(look, f"{what} (the model is {self.host.state})")

    def until_state(self, state: ModelState) -> None:
        """Keep the loop going until the model is in *state*."""
        self.until(lambda: self.host.state is state, f"the model gets {state}")

    # -- what one asks for

    def load(self) -> int:
        """Have a warm model; return the worker's pid."""
        self.until(lambda: self.host.ensure_ready(self.now), "the model is ready")
        return self.pid

    @property
    def pid(self) -> int:
        assert self.host.stats is not None
        return self.host.stats.pid

    def read(self, deed: str | None = None, *, wait: bool = True) -> Order:
        """Give the host a picture to read; with *wait*, keep going until it is read."""
        self._orders += 1
        path = self.root / f"{self._orders}.png"
        picture(path, self._orders, deed)
        stem, staging = os.fsencode(path.stem), os.fsencode(self.root / "out" / path.stem)
        order = Order(self._orders, 1, path.name, os.fsencode(path), stem, staging, ("txt",))
        self.host.give(order, self.now)
        self.until(lambda: not wait or not self.host.busy, "it is read")
        return order

    def may_be_read(self, pressure_stops: int) -> bool:
        """Ask for room for a job that pressure has stopped so often; return whether it need not wait for normal."""
        job = Job(
            1,
            b"a",
            Signature(1, 1, 1, 1),
            0.0,
            State.QUEUED,
            0,
            0,
            0,
            0,
            pressure_stops,
            0,
            None,
            (),
            None,
            None,
            None,
            None,
        )
        self.host.ensure_room(job, self.now)
        return not self.host.monitor.waiting_for_normal

    def begin(self, deed: str = "slow") -> Order:
        """Give the host a picture to read, and wait until the engine has it in hand."""
        order = self.read(deed, wait=False)
        self.until(lambda: any(job.clocks for job in self.host.active), "the engine reads it")
        return order

    def happened(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def unload(self) -> Unload:
        """The record of the last worker's end."""
        assert self.host.last_unload is not None
        return self.host.last_unload

    def gone(self) -> Gone:
        """Wait until no worker is there; return the last event about one that has gone."""
        self.until(lambda: self.host.state in (ModelState.COLD, ModelState.BLOCKED), "the worker is gone")
        return self.happened(Gone)[-1]

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()
        logging.getLogger("dropscribe").removeHandler(self._listener)


class Transitions(logging.Handler):
    """Takes down every change of state that the host tells the log."""

    def __init__(self, transitions: list[tuple[str, str]]) -> None:
        super().__init__(logging.DEBUG)
        self._transitions = transitions

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("model: "):
            before, after = text.removeprefix("model: ").split(" -> ")
            self._transitions.append((before, after))


def lives(pid: int) -> bool:
    """Say whether a process is there and not merely waiting to be reaped."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# -- hosts in each state


def fresh(root: Path, fake: dict[str, Any] | None = None, **sections: Any) -> Desk:
    """Return a host with a cold model."""
    return Desk(root, fake, **sections)


def pressed(root: Path) -> Desk:
    """Return one whose model is blocked."""
    desk = fresh(root, memory={"max_percent": 1})
    desk.host.ensure_ready(desk.now)
    return desk


def loading(root: Path, **fake: Any) -> Desk:
    """Return one whose model loads, for as long as it is let."""
    desk = fresh(root, {"load_seconds": 600} | fake)
    desk.host.ensure_ready(desk.now)
    desk.until(lambda: desk.host.stats is None or desk.host.stats.step in ("weights", None), "it has begun, or ended")
    return desk


def warm(root: Path, fake: dict[str, Any] | None = None, **sections: Any) -> Desk:
    """Return one whose model is ready."""
    desk = fresh(root, fake, **sections)
    desk.load()
    return desk


def busy(root: Path, deed: str = "slow", **sections: Any) -> Desk:
    """Return one that reads."""
    desk = warm(root, **sections)
    desk.begin(deed)
    return desk


def unloading(root: Path, **fake: Any) -> Desk:
    """Return one whose model is on its way out."""
    desk = warm(root, fake)
    desk.host.unload("command", desk.now)
    return desk
