"""Measure what a second reader costs beside an engine that reads elsewhere: wall time of a page, and memory.

    python tests/bench/crosscheck_cost.py FOLDER

FOLDER holds NAME.png beside NAME.txt, as `layouts.py` writes them. The engine only waits, as for a GPU, twice as long
as the second reader takes for a page alone, and then knows the text.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
from crosscheck import entries
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.pages import EngineInfo, Page, PageFailure, PageText
from dropscribe.engines.base import Judge, PageSource, Signals, unjudged
from dropscribe.engines.crosscheck.beside import Beside
from dropscribe.engines.crosscheck.sight import Sight
from support.pages import Pages


class Waiting:
    """An engine that takes *seconds* for a page, elsewhere than on this processor, and then knows its text."""

    width, finds_lines = 1, False

    def __init__(self, texts: dict[int, str], seconds: float, judge: Judge = unjudged) -> None:
        self.info = EngineInfo("waiting", "none", None, "1")
        self._texts, self._seconds, self._judge = texts, seconds, judge

    def estimate(self) -> int:
        """Need nothing."""
        return 0

    def load(self, report: Any) -> None:
        """Load nothing."""

    def apply(self, settings: Settings) -> None:
        """Take nothing over."""

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Wait for each page, and ask the second reader."""
        while (page := pages.take(wait=True)) is not None:
            time.sleep(self._seconds)
            text = self._texts[page.number]
            yield PageText(
                page.number, page.width, page.height, text, text, check=self._judge(page, text, ()), flags=page.flags
            )

    def trim(self) -> None:
        """Keep nothing."""

    def unload(self) -> None:
        """Release nothing."""

    def mlx_memory(self) -> None:
        """Use no MLX."""


def main(folder: str, most: int = 6) -> None:
    """Print what the second reader adds to the wall time of up to *most* pages and to the memory of the process."""
    import onnxruntime  # noqa: F401  # the packages are there in either case

    pages, texts = [], {}
    for number, (_, picture, truth, _) in enumerate(entries(folder), 1):
        pages.append(Page(number, Image.open(picture).convert("RGB")))
        texts[number] = truth.read_text("utf-8")
        if number == most:
            break
    count = len(pages)
    before = psutil.Process().memory_info().rss
    sight = Sight(Settings(), Signals())
    begun = time.perf_counter()
    for page in pages:
        sight.first(page)
    alone = (time.perf_counter() - begun) / count
    sight.close()
    seconds = 2 * alone
    beside = Beside(Settings(), Signals(), lambda judge: Waiting(texts, seconds, judge))
    beside.load(lambda progress: None)
    spent = {}
    for name, engine in (("without", Waiting(texts, seconds)), ("with", beside)):
        begun = time.perf_counter()
        checks = [done.check for done in engine.read(Pages(pages)) if isinstance(done, PageText)]
        spent[name] = time.perf_counter() - begun
    grown = psutil.Process().memory_info().rss - before
    beside.unload()
    named = sum(check is not None and check.disagrees for check in checks)
    print(f"the second reader alone: {alone:.2f} s a page; the engine: {seconds:.2f} s; {named} of {count} flagged")
    print(f"without {spent['without']:.1f} s, with {spent['with']:.1f} s: {spent['with'] / spent['without'] - 1:+.1%}")
    print(f"resident size: +{grown / 1e6:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
