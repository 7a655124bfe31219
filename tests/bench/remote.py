"""The engine `remote` against a server with a fixed delay: pages a second, and what a page under way costs here.

    python tests/bench/remote.py [png|jpeg] [delay in seconds]

Ideal is requests under way divided by the delay. Pages are 1191 x 1684 pixels full of text (A4 at 144 dpi), each
decoded anew, as the worker's decoder hands them over; memory is the growth of this process over its level after the
load, CPU is of this process, encoding included.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from dropscribe.core.pages import Page, PageText
from dropscribe.core.status import RemoteStatus
from dropscribe.engines.base import Signals
from dropscribe.engines.remote.engine import Remote
from support.remote_pages import settings

SIZE = (1191, 1684)
ROUNDS = 5


def dense_page() -> Image.Image:
    """Return a page full of words."""
    image, words = Image.new("RGB", SIZE, "white"), random.Random(7)
    draw = ImageDraw.Draw(image)
    for y in range(40, SIZE[1] - 40, 14):
        line = " ".join("".join(words.choices("abcdefghijklmnop", k=words.randint(2, 9))) for _ in range(30))
        draw.text((40, y), line, fill=(words.randint(0, 80),) * 3)
    return image


class Pages:
    """So many copies of one page; notes the highest memory."""

    def __init__(self, count: int, image: Image.Image) -> None:
        self._count, self._image, self._given = count, image, 0
        self.most = 0

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page."""
        self.note()
        if self._given == self._count:
            return None
        self._given += 1
        return Page(self._given, self._image.copy(), document=self._given)

    def note(self) -> None:
        """Look at this process's memory."""
        self.most = max(self.most, psutil.Process().memory_info().rss)


def measure(url: str, in_flight: int, kind: str, delay: float, image: Image.Image) -> None:
    """Read pages and print a line of figures."""
    seen: list[int] = []

    def servers(told: list[RemoteStatus]) -> None:
        seen.append(told[0].in_flight)

    engine = Remote(settings(url, in_flight=in_flight, image=kind), Signals(servers=servers))
    engine.load(lambda progress: None)
    count = max(4, in_flight * ROUNDS)
    pages = Pages(count, image)
    pages.note()
    before, cpu, begun = pages.most, time.process_time(), time.monotonic()
    results = []
    for result in engine.read(pages):
        pages.note()
        results.append(result)
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    engine.unload()
    assert len(results) == count and all(isinstance(result, PageText) for result in results)
    rate, ideal, grown = count / seconds, in_flight / delay, (pages.most - before) / 1e6
    print(
        f"| {kind} | {in_flight} | {rate:.2f} | {ideal:.2f} | {rate / ideal:.2f} | {1000 * cpu / count:.0f} ms "
        f"| {grown:.0f} MB | {grown / in_flight:.1f} MB |",
        flush=True,
    )


def main() -> None:
    """Print a table."""
    kind, delay = [*sys.argv[1:3], *("png", "8")[len(sys.argv[1:3]) :]]
    program = str(Path(__file__).with_name("delayed_server.py"))
    with subprocess.Popen([sys.executable, program, delay], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        print("| picture | under way | pages/s | ideal | share | CPU a page | memory | a page under way |")
        print("|---|---|---|---|---|---|---|---|")
        image = dense_page()
        for in_flight in (1, 4, 16, 64):
            measure(url, in_flight, kind, float(delay), image)
        server.kill()


if __name__ == "__main__":
    main()
