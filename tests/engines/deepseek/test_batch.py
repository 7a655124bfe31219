"""Several pages in one forward pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dropscribe.core.errors import Stopped
from dropscribe.core.pages import Page, PageText
from dropscribe.engines.base import Signals
from support.mlx_engine import MakeEngine
from support.pages import Pages
from support.tiny_checkpoint import page_picture

SIZES = [(600, 400), (900, 700), (640, 640), (1300, 500), (400, 900)]  # whole, tiled, whole, tiled, tiled


def pages(count: int = 3) -> list[Page]:
    """Return pages of several shapes with different writing: prompts of different lengths."""
    return [Page(n, page_picture(w, h, f"Page {n}\n" * n)) for n, (w, h) in enumerate(SIZES[:count], start=1)]


def untimed(texts: list[PageText]) -> list[object]:
    """Return all that matters of *texts*, in the order of pages."""
    texts = sorted(texts, key=lambda text: text.number)
    return [(t.number, t.text, t.markdown, t.flags, [(a.mode, a.tokens, a.end) for a in t.attempts]) for t in texts]


@pytest.mark.parametrize(
    ("rows", "count"), [(2, 3), pytest.param(3, 5, marks=pytest.mark.slow), pytest.param(8, 5, marks=pytest.mark.slow)]
)
def test_pages_together_give_the_ids_of_pages_alone(
    random_weights: Path, loaded: MakeEngine, rows: int, count: int
) -> None:
    """With weights that make everything matter: same text, same tokens, same ends, whatever shares the pass."""
    engine = {"mode": "gundam", "prompt": "Recite the poem.", "max_tokens": 12 * count}
    alone = list(loaded(random_weights, engine=engine).read(Pages(pages(count))))
    together = list(loaded(random_weights, rows=rows, engine=engine).read(Pages(pages(count))))

    assert untimed(together) == untimed(alone)
    assert len({t.text for t in alone}) > 1, "the pages must differ for this to mean anything"


def test_each_page_climbs_its_own_ladder(stubborn: Path, loaded: MakeEngine) -> None:
    """Looping, retrying and finishing pages share the lanes."""
    texts = list(loaded(stubborn, rows=3).read(Pages(pages())))

    assert {a.end for t in texts for a in t.attempts} == {"loop", "stop"}
    assert all(t.text.startswith("INVOICE 42") and t.flags == ("reduced-mode",) for t in texts)


def test_a_batch_stops_between_tokens(tiny: Path, loaded: MakeEngine) -> None:
    """And the engine reads on afterwards."""
    signals = Signals()
    signals.tokens = lambda key, count: signals.stop.set()
    engine = loaded(tiny, rows=3, signals=signals, engine={"prompt": "Count the numbers."})
    with pytest.raises(Stopped):
        list(engine.read(Pages(pages())))
    signals.stop.clear()
    signals.tokens = lambda key, count: None

    assert len(list(engine.read(Pages(pages())))) == 3


def test_the_guard_holds_for_every_row(tiny: Path, loaded: MakeEngine) -> None:
    """A page that loops beside others is ended as it is alone."""
    alone = list(loaded(tiny, engine={"prompt": "figure"}).read(Pages(pages())))
    together = list(loaded(tiny, rows=4, engine={"prompt": "figure"}).read(Pages(pages())))

    assert untimed(together) == untimed(alone)


class Heavy(Image.Image):
    """A picture that is too large to be resized; pieces of it are not."""

    def resize(self, *_: Any, **__: Any) -> Image.Image:
        """Fail."""
        raise MemoryError("too large")


def test_an_error_of_the_other_thread_is_that_pages_own(tiny: Path, loaded: MakeEngine) -> None:
    """It is an attempt that failed: the page is read in halves, its neighbours as ever."""
    read = pages()
    heavy = Heavy()
    heavy.__setstate__(read[1].image.__getstate__())
    read[1] = replace(read[1], image=heavy)
    texts = [t for t in loaded(tiny, rows=3).read(Pages(read)) if isinstance(t, PageText)]
    ends = {t.number: [a.end for a in t.attempts] for t in texts}

    assert ends.pop(2) == ["error"] * 4 + ["stop", "stop"]
    assert ends == {1: ["stop"], 3: ["stop"]}
