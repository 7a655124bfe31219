"""A loaded engine for as long as a block lasts."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import EngineInfo, Page, PageText
from dropscribe.engines.base import LoadProgress, MlxMemory
from dropscribe.engines.session import engine_session


class Recorder:
    """An engine that only notes what is asked of it."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.info = EngineInfo("recorder", "none", None, "1")
        self.calls: list[str] = []
        self._fault = fault

    def estimate(self) -> int:
        return 0

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        self.calls.append("load")
        if self._fault:
            raise self._fault

    def apply(self, settings: Settings) -> None: ...

    def read(self, pages: Iterable[Page]) -> Iterator[PageText]:
        yield PageText(1, 1, 1, "", "")

    def trim(self) -> None: ...

    def unload(self) -> None:
        self.calls.append("unload")

    def mlx_memory(self) -> MlxMemory | None:
        return None


def quiet(progress: LoadProgress) -> None:
    """Take no note."""


def test_the_engine_is_released_at_the_end() -> None:
    """Load, the block, unload."""
    engine = Recorder()
    with engine_session(engine, quiet) as same:
        assert same is engine
        assert engine.calls == ["load"]

    assert engine.calls == ["load", "unload"]


@pytest.mark.parametrize("fault", [ValueError("x"), KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_the_engine_is_released_whatever_ends_the_block(fault: BaseException) -> None:
    """And the fault goes on."""
    engine = Recorder()
    with pytest.raises(type(fault)), engine_session(engine, quiet):
        raise fault

    assert engine.calls == ["load", "unload"]


def test_an_engine_that_failed_to_load_is_released_too() -> None:
    """Half a model is memory as well."""
    engine = Recorder(ReasonedError(Reason.MODEL_BROKEN, "no"))
    with pytest.raises(ReasonedError), engine_session(engine, quiet):
        pass

    assert engine.calls == ["load", "unload"]


def test_what_the_frames_of_an_error_held_is_let_go_before_the_release() -> None:
    """Their variables may be weights; the one who catches the error keeps them alive otherwise."""
    import weakref

    class Weights:
        pass

    held: list[weakref.ref[Weights]] = []

    def work() -> None:
        weights = Weights()
        held.append(weakref.ref(weights))
        raise ValueError("x")

    class Engine(Recorder):
        def unload(self) -> None:
            super().unload()
            self.calls.append(f"held: {held[0]() is not None}")

    engine = Engine()
    with pytest.raises(ValueError) as caught, engine_session(engine, quiet):
        work()

    assert engine.calls == ["load", "unload", "held: False"]
    assert caught.value is not None
