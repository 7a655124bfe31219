"""Pictures resized ahead: the processor finds every size ready, and gives what it gives without."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dropscribe.core.pages import PageKey
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.deepseek.generate import Request, prepare, resized
from dropscribe.engines.vlm.adapters import MODES
from support import tiny_checkpoint
from support.mlx_engine import MakeEngine
from support.tiny_checkpoint import page_picture

SIZES = [(600, 400), (900, 700), (1300, 500), (640, 641)]


def arrays(engine: DeepSeekOcr, attempt: Request) -> list[Any]:
    """Return what the model is given for an attempt."""
    import mlx.core as mx

    assert engine._loaded is not None
    inputs = prepare(engine._loaded, attempt)
    return [inputs.ids, *inputs.pixels, *(v for v in inputs.extra.values() if isinstance(v, mx.array))]


def check(engine: DeepSeekOcr, mode: str, size: tuple[int, int]) -> None:
    """Compare an attempt with and without the picture resized ahead, and look for sizes that were not ready."""
    import mlx.core as mx

    assert engine._loaded is not None
    attempt = Request(PageKey(1, 1), mode, "markdown", page_picture(*size), False, 1.0, 1)
    ahead = replace(attempt, image=resized(engine._loaded.adapter, attempt))
    resize: Callable[..., Any] = ahead.image.resize
    ready = resize.cache_info().misses  # type: ignore[attr-defined]
    for one, other in zip(arrays(engine, ahead), arrays(engine, attempt), strict=True):
        assert mx.array_equal(one, other)

    assert resize.cache_info().misses == ready > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", MODES)
def test_deepseek_ocr_asks_for_no_other_size(tiny: Path, loaded: MakeEngine, mode: str) -> None:
    """In every mode, for pages with tiles and without."""
    engine = loaded(tiny)
    for size in SIZES:
        check(engine, mode, size)


def test_deepseek_ocr_2_asks_for_no_other_size(small_tower: None, tmp_path: Path, loaded: MakeEngine) -> None:
    """Whole and tiled."""
    engine = loaded(tiny_checkpoint.build(tmp_path / "second", kind="deepseekocr_2"))
    for mode in ("base", "gundam"):
        for size in SIZES:
            check(engine, mode, size)
