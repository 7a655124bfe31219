"""What pages under way cost here: they are encoded at once, and their pixels let go."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from dropscribe.core.pages import Page
from dropscribe.engines.base import Signals
from support.remote_pages import loaded

SERVER = Path(__file__).parents[2] / "bench" / "delayed_server.py"
PAGES, SIZE = 32, (1191, 1684)  # A4 at 144 dpi: 6 MB of pixels each


@pytest.fixture
def url() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(SERVER), "3"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[1]
        server.kill()


class Noted:
    """Pages of noise, which compress badly; notes this process's memory at each."""

    def __init__(self) -> None:
        self._given, self.seen = 0, list[int]()
        self._noise = Image.effect_noise((SIZE[0], SIZE[1] // 8), 60).convert("RGB")

    def take(self, *, wait: bool) -> Page | None:
        self.note()
        if self._given == PAGES:
            return None
        self._given += 1
        image = Image.new("RGB", SIZE, "white")
        image.paste(self._noise)
        return Page(self._given, image, document=self._given)

    def note(self) -> None:
        self.seen.append(psutil.Process().memory_info().rss)


@pytest.mark.slow
def test_32_pages_under_way_take_less_than_100_mb(url: str) -> None:
    pages, most = Noted(), [0]
    signals = Signals(tokens=lambda page, count: pages.note())
    signals.servers = lambda told: most.append(told[0].in_flight)
    with loaded(url, in_flight=PAGES, signals=signals) as engine:
        pages.note()
        results = list(engine.read(pages))

    assert len(results) == PAGES and max(most) == PAGES
    assert max(pages.seen) - pages.seen[0] < 100e6
