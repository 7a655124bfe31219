"""The fakes: an engine whose behaviour is written into the pictures and the environment. Everything else is real.

A picture's top left pixel tells the engine what to do with it (see `DEEDS`); otherwise the text of a page is a
fingerprint of its pixels, so that a test can tell which content a text was read from. `DROPSCRIBE_FAKE` holds JSON:

- load: `load_seconds`, `hold_mb` (weights), `cache_mb` (goes with a trim, is back after a page), `starts` (a file that
  gets a letter at each load), `unable` and `die_loading` (with `only_if` only while that file exists), `noise` (MB
  printed by native code), `grandchild` (a file for the pid of a child of its own), `ignore_term`
- read: `width` (pages at once), `read_seconds`, `work` (looks at every byte of the weights), `leak_mb` (each page)
- later: `applied` (a file for the settings it is told to apply), `unload_seconds`, `mlx` (report figures)
"""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from dropscribe.config import Settings, plain
from dropscribe.core.errors import Reason, ReasonedError, Stopped
from dropscribe.core.pages import Block, EngineInfo, Page, PageFailure, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines.base import LoadProgress, PageSource, Signals

DEEDS = {"crash": (255, 0, 1), "hang": (0, 255, 1), "error": (0, 0, 255), "slow": (255, 255, 1), "loud": (1, 255, 255)}
DEEDS["unsure"] = (1, 1, 255)  # read with little confidence


def fingerprint(image: Image.Image) -> str:
    """Return the text that the fake engine reads from a page."""
    return f"page {image.width}x{image.height} {zlib.crc32(image.convert('RGB').tobytes()):08x}"


def picture(path: Path, number: int = 0, deed: str | None = None, size: tuple[int, int] = (60, 40)) -> str:
    """Write a picture and return the text that the fake engine will read from it; *number* makes it differ."""
    image = Image.new("RGB", size, "white")
    image.paste((0, 0, 0), (10, 10, 30, 20))
    image.putpixel((5, 5), (number & 255, number >> 8 & 255, number >> 16 & 255))
    if deed:
        image.putpixel((0, 0), DEEDS[deed])
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name("." + path.name[:200])
    image.save(hidden, "PNG")
    hidden.rename(path)
    return fingerprint(image)


def document(path: Path, pages: int, number: int = 0) -> list[str]:
    """Write a TIFF of so many pages and return the texts that the fake engine will read from them."""
    images = [Image.new("RGB", (60 + n, 40), (250, number & 255, n)) for n in range(pages)]
    for image in images:
        image.paste((0, 0, 0), (10, 10, 30, 20))
    hidden = path.with_name("." + path.name)
    images[0].save(hidden, "TIFF", save_all=True, append_images=images[1:])
    hidden.rename(path)
    return [fingerprint(image) for image in images]


def megabytes(count: int) -> bytes:
    """Return so many megabytes of memory that is really used."""
    return os.urandom(1000) * (1000 * count)


def _asked(page: Page) -> str:
    """Return the words that a page is to be read by, where they are not the usual ones."""
    prompt: str = page.settings.engine.prompt if page.settings is not None else "markdown"
    return "" if prompt == "markdown" else prompt


class FakeEngine:
    """Follows the Protocol of `dropscribe.engines.base`."""

    finds_lines = True

    def __init__(self, name: str, settings: Settings, signals: Signals) -> None:
        self.info = EngineInfo(name, "fake", None, "1")
        self._signals = signals
        self._options: dict[str, Any] = json.loads(os.environ.get("DROPSCRIBE_FAKE", "{}"))
        self.width = int(self._options.get("width", 1))
        self._held = self._cache = b""
        self._leaked: list[bytes] = []
        if self._options.get("ignore_term"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def estimate(self) -> int:
        return int(self._options.get("estimate", 10**6))

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        if "starts" in self._options:
            with open(self._options["starts"], "a") as file:
                file.write("x")
        report(LoadProgress("weights", 0, 100))
        self._fail()
        for _ in range(self._options.get("noise", 0)):
            os.write(1, b"native noise\n" * 80_000)
            os.write(2, b"native noise\n" * 80_000)
        self._wait(self._options.get("load_seconds", 0))
        self._held, self._cache = (
            megabytes(self._options.get("hold_mb", 0)),
            megabytes(self._options.get("cache_mb", 0)),
        )
        if self._options.get("grandchild"):
            child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
            Path(self._options["grandchild"]).write_text(str(child.pid))
        report(LoadProgress("weights", 100, 100))

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._signals.stop.wait(0.01):
                raise Stopped

    def _fail(self) -> None:
        if not Path(self._options.get("only_if", "/")).exists():
            return
        if self._options.get("die_loading"):
            os.kill(os.getpid(), signal.SIGKILL)
        if reason := self._options.get("unable"):
            raise ReasonedError(Reason(reason), f"the fake engine is told to say {reason}")

    def apply(self, settings: Settings) -> None:
        if "applied" in self._options:
            staged = Path(self._options["applied"] + ".part")
            staged.write_text(json.dumps(plain(settings)))
            staged.rename(self._options["applied"])

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Read as many pages at once as `width` says: each takes its time, all together no longer."""
        while (page := pages.take(wait=True)) is not None:
            batch = [page]
            while len(batch) < self.width and (another := pages.take(wait=False)) is not None:
                batch.append(another)
            yield from self._read(batch)

    def _read(self, batch: list[Page]) -> Iterator[PageText | PageFailure]:
        for page in batch:
            self._signals.attempt(page.key, "fake")
        self._wait(self._options.get("read_seconds", 0))
        for page in batch:
            try:
                self._do(page)
            except ReasonedError as error:
                yield PageFailure(page.key, error.reason, error.detail)
                continue
            self._leaked.append(megabytes(self._options.get("leak_mb", 0)))
            self._cache = self._cache or megabytes(self._options.get("cache_mb", 0))
            if self._options.get("work"):
                zlib.crc32(self._held)
            text = " ".join(filter(None, (fingerprint(page.image), _asked(page))))
            unsure = page.image.getpixel((0, 0)) == DEEDS["unsure"]
            block = Block("text", text, (10, 10, 30, 20), 0.5 if unsure else 0.98)
            flags = ("low-confidence",) if unsure else ()
            yield PageText(
                page.number, page.width, page.height, text, text, (block,), page.rotation, flags=flags,
                document=page.document,
            )  # fmt: skip

    def _do(self, page: Page) -> None:
        pixel = page.image.getpixel((0, 0))
        if pixel == DEEDS["crash"]:
            os.kill(os.getpid(), signal.SIGABRT)
        elif pixel == DEEDS["hang"]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            while True:  # as native code hangs: it looks at nothing
                signal.pause()
        elif pixel == DEEDS["error"]:
            raise ReasonedError(Reason.ENGINE_ERROR, "the fake engine is told to fail")
        elif pixel == DEEDS["slow"]:
            self._wait(60)
        elif pixel == DEEDS["loud"]:
            for _ in range(2000):
                print("noise " * 100)
                os.write(1, b"native noise " * 100)

    def trim(self) -> None:
        self._cache = b""

    def unload(self) -> None:
        end = time.monotonic() + self._options.get("unload_seconds", 0)
        while time.monotonic() < end:  # as a release hangs: it looks at nothing
            time.sleep(0.01)
        self._held = self._cache = b""
        self._leaked.clear()

    def mlx_memory(self) -> MlxMemory | None:
        weights, cache = len(self._held), len(self._cache)
        return MlxMemory(weights, cache, weights + cache) if self._options.get("mlx") else None
