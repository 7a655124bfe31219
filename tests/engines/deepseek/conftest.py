"""Tiny checkpoints, built once for a run, and engines that read with them and are released at the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropscribe.engines.base import Signals
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from support import tiny_checkpoint, tiny_models
from support.mlx_engine import MakeCheckpoint, MakeEngine, settings_for
from support.tiny_architectures import ANSWERS, KINDS


@pytest.fixture(scope="session")
def small_tower() -> Iterator[None]:
    """Use the small vision tower for the rest of the run; skip where MLX is not installed."""
    pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    pytest.importorskip("mlx_vlm", reason="mlx-vlm is not installed", exc_type=ImportError)
    with tiny_checkpoint.stub_sam():
        yield


@pytest.fixture(scope="session")
def tiny(small_tower: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripted checkpoint."""
    return tiny_checkpoint.build(tmp_path_factory.mktemp("tiny") / "checkpoint")


@pytest.fixture(scope="session")
def stubborn(small_tower: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that loops on layout and reads plain text."""
    return tiny_checkpoint.build(tmp_path_factory.mktemp("stubborn") / "checkpoint", tiny_checkpoint.STUBBORN)


@pytest.fixture(scope="session")
def silent(small_tower: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that gives blanks for ever."""
    return tiny_checkpoint.build(tmp_path_factory.mktemp("silent") / "checkpoint", tiny_checkpoint.SILENT)


@pytest.fixture(scope="session")
def random_weights(small_tower: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose answers depend on all that it saw."""
    return tiny_checkpoint.build(tmp_path_factory.mktemp("random") / "checkpoint", scripted=False)


@pytest.fixture(scope="session")
def kin(tmp_path_factory: pytest.TempPathFactory) -> MakeCheckpoint:
    """A function that gives the checkpoint of one of the other models, built when first asked for."""
    pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    pytest.importorskip("mlx_vlm", reason="mlx-vlm is not installed", exc_type=ImportError)
    built: dict[tuple[str, bool], Path] = {}

    def make(kind: str, scripted: bool = True) -> Path:
        if (kind, scripted) not in built:
            folder = tmp_path_factory.mktemp(kind)
            built[kind, scripted] = tiny_models.build(folder, KINDS[kind], ANSWERS[kind] if scripted else None)
        return built[kind, scripted]

    return make


@pytest.fixture
def loaded() -> Iterator[MakeEngine]:
    """A function that loads an engine with a checkpoint."""
    engines: list[DeepSeekOcr] = []

    def make(
        checkpoint: Path, /, *, signals: Signals | None = None, rows: int = 1, **sections: dict[str, Any]
    ) -> DeepSeekOcr:
        engines.append(DeepSeekOcr(settings_for(checkpoint, **sections), signals or Signals(), rows=rows))
        engines[-1].load(lambda progress: None)
        return engines[-1]

    yield make
    for engine in engines:
        engine.unload()
