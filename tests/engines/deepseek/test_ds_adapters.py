"""The other models behind their adapters, as far as they can be built small."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_checkpoint
from engine_desk import MakeEngine, page
from PIL import Image

from dropscribe.engines.deepseek.adapters import ADAPTERS, OCR2_MODES, OCR2_TILED, OCR2_WHOLE
from dropscribe.engines.deepseek.generate import Try, prepare
from dropscribe.engines.deepseek.loading import Loaded, quiet
from dropscribe.engines.deepseek.pictures import PictureFolder


def test_unlimited_ocr_reads_a_page(small_tower: None, tmp_path: Path, loaded: MakeEngine) -> None:
    """With its own prompt, whole to the full stop, its own guard and its ring of caches."""
    checkpoint = tiny_checkpoint.build(tmp_path / "c", tiny_checkpoint.UNLIMITED, kind="unlimited-ocr")
    engine = loaded(checkpoint)
    (text,) = engine.read([page()])

    assert text.text.startswith("Invoice 42\n\nDear customer,")
    assert (text.flags, len(text.attempts), text.attempts[0].tokens) == ((), 1, 18)


@pytest.fixture
def second(small_tower: None, tmp_path: Path) -> Loaded:
    """DeepSeek-OCR-2's real processor over a small tokenizer; its model is too large to be built small."""
    from mlx_vlm.models import deepseekocr_2  # noqa: F401  # registers the processor
    from mlx_vlm.utils import load_processor

    tokenizer = tiny_checkpoint.build_tokenizer(tmp_path, tiny_checkpoint.CHAINS)
    tiny_checkpoint.write_config(tmp_path, 512, tokenizer, 64, "deepseekocr_2")
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    with quiet():
        processor = load_processor(tmp_path, eos_token_ids=1, trust_remote_code=False)
    model = SimpleNamespace(config=SimpleNamespace(**config))
    nothing: frozenset[int] = frozenset()
    return Loaded(model, processor, ADAPTERS["deepseekocr_2"], str(tmp_path), frozenset({1}), nothing, nothing)


@pytest.mark.parametrize(
    ("mode", "size", "positions"),
    [("gundam", (300, 400), 257), ("gundam", (1190, 1684), 6 * 144 + 257), ("base", (1190, 1684), 257)],
)
def test_ocr_2_tiles_only_what_is_larger_than_a_tile(
    second: Loaded, mode: str, size: tuple[int, int], positions: int
) -> None:
    """mlx-vlm would tile any picture; the model's own code does not. The prompt is whole."""
    ids = prepare(second, Try(1, mode, "text", Image.new("RGB", size, "white"), False, 60, 8), PictureFolder()).ids[0]
    image = second.model.config.image_token_index
    words = [token for token in ids.tolist() if token != image]

    assert ids.tolist().count(image) == positions
    assert second.decode(words) == f"{tiny_checkpoint.BOS}\nFree OCR."


def test_every_adapter_answers_every_preset() -> None:
    """A preset that a model does not know falls back to the one prompt it documents."""
    for adapter in ADAPTERS.values():
        assert all(adapter.prompt(preset) for preset in ("markdown", "text", "figure", "describe"))
        assert "<image>" not in adapter.prompt("<image>words")
    assert (OCR2_MODES["gundam"], OCR2_MODES["tiny"]) == (OCR2_TILED, OCR2_WHOLE)
