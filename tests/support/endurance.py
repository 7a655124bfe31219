"""Whatever people and machines do to an inbox and its daemon, in an order that a seed decides; and what comes of it.

Each file has content of its own, so that its text and its original are known wherever they end up.
"""

import hashlib
import os
import random
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from support.fakes import picture
from support.harness import Daemon, left, wait_for

FORMATS = ("txt", "md")
BACKLOG = 12  # files in the inbox beyond which nothing more is dropped for the moment
CHUNKS = 4  # in which a slow writer writes


@dataclass
class Known:
    """What is known of one content."""

    text: str  # empty for what is no picture
    renames: int = 0
    deleted: bool = False


@dataclass
class Writer:
    """Somebody who writes a file slowly and has it open meanwhile."""

    file: IO[bytes]
    rest: list[bytes] = field(default_factory=list)

    def step(self) -> bool:
        """Write another piece; return whether the file is whole."""
        self.file.write(self.rest.pop(0))
        self.file.flush()
        if not self.rest:
            self.file.close()
        return not self.rest


class Endurance:
    """Does things to a running daemon; `check` compares the folders with all that was done."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self.daemon, self.random = daemon, random.Random(seed)
        self.known: dict[str, Known] = {}  # by SHA-256
        self.done: Counter[str] = Counter()
        self._number = 0
        self._writers: list[Writer] = []
        self._limits: dict[int, tuple[int, int]] = {}
        # Common things first; in all, about every fifteenth action is a catastrophe.
        self._actions: list[tuple[int, Callable[[], None]]] = [
            (30, self.drop), (8, self.drop_broken), (8, self.begin_writing), (12, self.write_on), (6, self.rename),
            (6, self.delete), (14, self.wait), (3, self.kill), (4, self.save), (3, self.fill_disk),
        ]  # fmt: skip

    def act(self) -> None:
        """Do the next thing; the daemon must have outlived the one before."""
        assert not self.daemon.ended(), "the daemon has ended by itself"
        weights, actions = zip(*self._actions, strict=True)
        (action,) = self.random.choices(actions, weights)
        self.done[action.__name__] += 1
        action()

    # -- files

    def _name(self) -> Path:
        self._number += 1
        folder = self.random.choice(("", "", "a", "a/b", "ä ö"))
        return self.daemon.inbox / folder / f"{self.random.choice(('scan', 'Bild', '書類'))} {self._number}.png"

    def _content(self) -> tuple[bytes, str]:
        """Return the bytes of a picture that nobody else has, and its text."""
        aside = self.daemon.root / "aside.png"
        text = picture(aside, self._number)
        data = aside.read_bytes()
        aside.unlink()
        return data, text

    def _remember(self, data: bytes, text: str) -> None:
        self.known[hashlib.sha256(data).hexdigest()] = Known(text)

    def drop(self) -> None:
        if len(left(self.daemon.inbox)) > BACKLOG:
            self.wait()
        self._drop()

    def _drop(self) -> None:
        path = self._name()
        text = picture(path.with_name("." + path.name), self._number)
        hidden = path.with_name("." + path.name)
        self._remember(hidden.read_bytes(), text)
        hidden.rename(path)

    def drop_broken(self) -> None:
        path = self._name()
        data = b"no picture %d" % self._number
        self._remember(data, "")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def begin_writing(self) -> None:
        path = self._name()
        data, text = self._content()
        self._remember(data, text)
        path.parent.mkdir(parents=True, exist_ok=True)
        size = len(data) // CHUNKS + 1
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        self._writers.append(Writer(path.open("wb"), pieces))

    def write_on(self) -> None:
        self._writers = [writer for writer in self._writers if not writer.step()]

    def _a_file(self) -> tuple[Path, Known] | None:
        """Return some whole file of the inbox; the daemon may be just about to take it."""
        open_names = {writer.file.name for writer in self._writers}
        for name in self.random.sample(names := left(self.daemon.inbox), len(names)):
            path = self.daemon.inbox / name
            try:
                known = self.known.get(digest(path))
            except FileNotFoundError:
                continue
            if known is not None and str(path) not in {str(name) for name in open_names}:
                return path, known
        return None

    def rename(self) -> None:
        if found := self._a_file():
            path, known = found
            try:
                path.rename(path.with_name(f"renamed {self.random.randrange(10**9)}.png"))
                known.renames += 1
            except FileNotFoundError:
                pass  # the daemon was quicker

    def delete(self) -> None:
        if found := self._a_file():
            path, known = found
            known.deleted = True
            path.unlink(missing_ok=True)

    # -- the daemon

    def wait(self) -> None:
        """Let the daemon come to the end of something."""
        before = self.daemon.status()["queue"]
        if before["queued"] or before["running"]:
            self.daemon.wait_status(lambda s: s["queue"] != before, "something happens in the queue", 90)

    def kill(self) -> None:
        self.daemon.kill()
        self.daemon.start()

    def save(self) -> None:
        """Save other settings, now and then wrong ones first."""
        if self.random.random() < 0.3:
            self.daemon.config.write_text("model: {idle_timeout: soon}")
        self.daemon.change(model={"idle_timeout": self.random.choice(("0", "200ms", "5m"))},
                           output={"cache": self.random.random() < 0.5})  # fmt: skip

    def fill_disk(self) -> None:
        """Let nobody write another byte until the daemon has met that or has nothing to write."""
        assert self.daemon.process is not None
        daemon = psutil.Process(self.daemon.process.pid)
        for process in (daemon, *daemon.children(recursive=True)):
            self._limit(process.pid, 0)
        self._drop()
        self.daemon.wait_status(
            lambda s: s["queue"]["paused"] or not (s["queue"]["queued"] or s["queue"]["running"]),
            "the full disk is met",
        )
        for process in (daemon, *daemon.children(recursive=True)):
            self._limit(process.pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, most: int) -> None:
        try:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most == resource.RLIM_INFINITY else most, hard))
        except (ProcessLookupError, PermissionError):
            pass  # a worker that has left, a decoder in its sandbox

    # -- the end

    def finish(self) -> None:
        """Let writers write to the end and the daemon come to rest."""
        while self._writers:
            self.write_on()
        self.daemon.wait_quiet(120)
        wait_for(lambda: not self._hidden(), "nothing that was staged is left")

    def _hidden(self) -> list[str]:
        return [str(path) for path in self.daemon.root.rglob(".dropscribe*")]

    def check(self) -> None:
        """Require of each file one full set of outputs or one failed entry with its reason, in one place."""
        texts = outputs(self.daemon.outbox)
        places = originals(self.daemon)
        assert set(places) <= set(self.known), "nothing but what was dropped lies anywhere"
        assert set(texts) <= {known.text for known in self.known.values()}
        for name, known in self.known.items():
            where, sets = places.get(name, []), texts[known.text] if known.text else 0
            told = f"{known}: {where}, {sets} sets of outputs"
            assert len(where) == 1 or (known.deleted and not where), told
            if known.text:
                # One renamed in the moment between its text and its move to the archive is new work under its new name.
                assert int(bool(where)) <= sets <= 1 + known.renames, told
                assert where in ([], ["archive"]), told
            else:
                assert sets == 0 and where in ([], ["failed"]), told


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def outputs(outbox: Path) -> Counter[str]:
    """Return how many full sets of outputs each text has; half a set is an error."""
    found: Counter[str] = Counter()
    stems = {os.path.splitext(name)[0] for name in left(outbox)}
    for stem in stems:
        files = [outbox / f"{stem}.{form}" for form in FORMATS]
        assert all(file.is_file() for file in files), f"half a set: {stem}"
        text = files[0].read_text().strip()
        assert text in files[1].read_text(), f"two different texts: {stem}"
        found[text] += 1
    return found


def originals(daemon: Daemon) -> dict[str, list[str]]:
    """Return in which folders each content lies; one that failed must have its note, and a note its file."""
    places: dict[str, list[str]] = {}
    for folder in (daemon.inbox, daemon.archive, daemon.failed):
        for name in left(folder):
            path = folder / name
            if folder is daemon.failed and name.endswith(".error.txt"):
                assert "\nreason: not-an-image\n" in path.read_text()
                assert path.with_name(path.name.removesuffix(".error.txt")).is_file()
                continue
            assert folder is not daemon.failed or path.with_name(path.name + ".error.txt").is_file()
            places.setdefault(digest(path), []).append(folder.name)
    return places
