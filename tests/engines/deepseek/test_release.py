"""Giving memory back, in the process and again and again."""

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.core.pages import Page
from dropscribe.engines.base import Signals
from dropscribe.engines.deepseek import release
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.session import engine_session
from support.mlx_engine import MakeEngine, page, settings_for
from support.pages import Pages

SMALL = 1 << 16  # bytes: constants that MLX keeps for itself


def fresh(model: Path) -> DeepSeekOcr:
    """Return a cold engine."""
    return DeepSeekOcr(settings_for(model), Signals(), rows=1)


def left(engine: DeepSeekOcr) -> tuple[int, int]:
    """Return MLX's active and cached bytes."""
    memory = engine.mlx_memory()
    assert memory is not None
    return memory.active, memory.cache


@pytest.mark.parametrize("lives", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_many_lives_of_a_model_leave_nothing_in_mlx(tiny: Path, lives: int) -> None:
    """Load, read, release in one process: active and cache are back each time, and do not creep."""
    rests = []
    for _ in range(lives):
        engine = fresh(tiny)
        with engine_session(engine, lambda progress: None):
            list(engine.read(Pages([page()])))
            assert left(engine)[0] > 1_000_000
        rests.append(left(engine))

    assert all(active < SMALL and cache == 0 for active, cache in rests), rests
    assert rests[-1][0] <= rests[1][0], "what is left must not grow"


@pytest.mark.parametrize("rows", [1, 3])
def test_a_reader_left_half_way_is_closed_by_the_release(tiny: Path, rows: int) -> None:
    """Its caches go, though somebody still holds it."""
    engine = DeepSeekOcr(settings_for(tiny), Signals(), rows=rows)
    with engine_session(engine, lambda progress: None):
        reader = engine.read(Pages([page(1), page(2), page(3)]))
        next(reader)

    assert left(engine) < (SMALL, 1)
    assert list(reader) == []


@pytest.mark.parametrize("fault", [ValueError("decoder"), KeyboardInterrupt()])
def test_an_error_in_the_middle_of_a_page_holds_nothing(tiny: Path, fault: BaseException) -> None:
    """Not even while somebody holds the error with its frames."""

    def pages() -> Iterator[Page]:
        yield page(1)
        raise fault

    engine = fresh(tiny)
    with pytest.raises(type(fault)) as caught, engine_session(engine, lambda progress: None):
        list(engine.read(Pages(pages())))

    assert caught.value is fault
    assert left(engine) < (SMALL, 1)


def test_the_last_error_shown_is_let_go(tiny: Path, loaded: MakeEngine) -> None:
    """An interactive shell and some test runners keep it, and with it every frame."""

    class Weights:
        pass

    weights = Weights()
    held = weakref.ref(weights)
    sys.last_value = ValueError(weights)
    del weights
    loaded(tiny).unload()
    gc.collect()

    assert held() is None
    assert not hasattr(sys, "last_value")


def test_unload_may_be_called_twice_and_before_any_load(tiny: Path) -> None:
    """Whatever happened, the end is the same."""
    engine = fresh(tiny)
    engine.unload()
    engine.load(lambda progress: None)
    engine.unload()
    engine.unload()

    assert left(engine) < (SMALL, 1)


def test_the_cache_is_bounded_before_weights_are_read(tiny: Path) -> None:
    """And trimming empties it while the weights stay."""
    import mlx.core as mx

    engine = DeepSeekOcr(settings_for(tiny, model={"cache_limit": "1MB"}), Signals(), rows=1)
    with engine_session(engine, lambda progress: None):
        list(engine.read(Pages([page(1, 1200, 900)])))
        cached, before = left(engine)[1], mx.set_cache_limit(10**9)
        engine.trim()
        active, trimmed = left(engine)

    assert (before, trimmed) == (10**6, 0)
    assert cached <= 10**6
    assert active > 1_000_000


def test_the_peak_is_the_page_in_hand(tiny: Path, loaded: MakeEngine) -> None:
    """It begins anew with each page."""
    engine = loaded(tiny, engine={"mode": "large"})
    list(engine.read(Pages([page()])))
    memory = engine.mlx_memory()
    assert memory is not None
    large = memory.peak
    engine.apply(settings_for(tiny))
    list(engine.read(Pages([page()])))
    memory = engine.mlx_memory()

    assert memory is not None
    assert memory.peak < large


def test_the_last_act_of_a_thread_ends_a_process_in_peace(tiny: Path) -> None:
    """Streams cleared, exit 0: a missing or early clear aborts at exit."""
    import subprocess

    here = str(Path(__file__).parents[2])
    code = f"""
import sys
sys.path.insert(0, {here!r})
from support.mlx_engine import page, settings_for
from support.pages import Pages
from support.tiny_checkpoint import stub_sam
from support.pages import Pages
from dropscribe.engines import base, registry
with stub_sam():
    settings = settings_for({str(tiny)!r}, engine={{"cross_check": "off"}})
    engine = registry.create("deepseek-ocr", settings, base.Signals())
    engine.load(lambda progress: None)
    text, = engine.read(Pages([page()]))
    engine.unload()
    registry.finish_thread()
print(text.flags, len(text.text))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)

    assert (done.returncode, done.stdout) == (0, "() 94\n"), done.stderr


def test_release_without_mlx_is_no_error() -> None:
    """An engine that failed because MLX is missing is unloaded like any other."""
    import subprocess

    code = "from dropscribe.engines.deepseek import release as r; print(r.release(), r.memory()); r.finish_thread()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "None None\n")


def test_what_is_left_is_told(small_tower: None) -> None:
    """The release reports MLX's own figures."""
    memory = release.release()

    assert memory is not None
    assert memory.cache == 0
