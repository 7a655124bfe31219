"""Unlimited-OCR and DeepSeek-OCR-2 behind their adapters, and the table itself; the rest is in `test_ds_kin`."""

from pathlib import Path

import pytest
from PIL import Image

from dropscribe.core.pages import Block
from dropscribe.engines.deepseek.generate import prepare
from dropscribe.engines.vlm.adapters import ADAPTERS, OCR2_MODES, OCR2_TILED, OCR2_WHOLE
from dropscribe.engines.vlm.attempt import Request
from support import tiny_checkpoint
from support.mlx_engine import MakeEngine, page
from support.pages import Pages


def test_unlimited_ocr_reads_a_page(small_tower: None, tmp_path: Path, loaded: MakeEngine) -> None:
    """With its own prompt, whole to the full stop, its own guard and its ring of caches."""
    checkpoint = tiny_checkpoint.build(tmp_path / "c", tiny_checkpoint.UNLIMITED, kind="unlimited-ocr")
    engine = loaded(checkpoint)
    (text,) = engine.read(Pages([page()]))

    assert text.text.startswith("Invoice 42\n\nDear customer,")
    assert (text.flags, len(text.attempts), text.attempts[0].tokens) == ((), 1, 18)


@pytest.fixture(scope="session")
def second(small_tower: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DeepSeek-OCR-2, scripted."""
    return tiny_checkpoint.build(tmp_path_factory.mktemp("second") / "c", kind="deepseekocr_2")


def test_deepseek_ocr_2_reads_a_page_with_its_layout(second: Path, loaded: MakeEngine) -> None:
    """Through its second tower, tiles among it."""
    (text,) = loaded(second, engine={"mode": "gundam"}).read(Pages([page(1, 800, 400)]))

    assert text.text.startswith("Invoice 42\n\nDear customer, thank you")
    assert text.blocks[0] == Block("title", "Invoice 42", (64, 16, 736, 36))
    assert (text.flags, len(text.attempts), text.attempts[0].tokens) == ((), 1, 18)


@pytest.mark.slow
def test_deepseek_ocr_2_reads_pages_together_as_alone(small_tower: None, tmp_path: Path, loaded: MakeEngine) -> None:
    """Its caches are plain: several pages share a forward pass, to the same tokens."""
    checkpoint = tiny_checkpoint.build(tmp_path / "c", scripted=False, kind="deepseekocr_2")
    pages = [page(1, 600, 400), page(2, 900, 450)]
    engine = {"mode": "gundam", "prompt": "Recite the poem.", "max_tokens": 12}
    alone = [next(iter(loaded(checkpoint, engine=engine).read(Pages([one])))) for one in pages]
    together = sorted(loaded(checkpoint, rows=2, engine=engine).read(Pages(pages)), key=lambda text: text.number)

    assert [t.text for t in alone] == [t.text for t in together]
    assert alone[0].text != alone[1].text, "the pages must differ for this to mean anything"


@pytest.mark.parametrize(
    ("mode", "size", "positions"),
    [("gundam", (300, 400), 257), ("gundam", (1190, 1684), 6 * 144 + 257), ("base", (1190, 1684), 257)],
)
def test_ocr_2_tiles_only_what_is_larger_than_a_tile(
    second: Path, loaded: MakeEngine, mode: str, size: tuple[int, int], positions: int
) -> None:
    """mlx-vlm would tile any picture; the model's own code does not. The prompt is whole."""
    model = loaded(second)._loaded
    assert model is not None
    ids = prepare(model, Request(1, mode, "text", Image.new("RGB", size, "white"), False, 60, 8)).ids[0]
    image = model.model.config.image_token_index
    words = [token for token in ids.tolist() if token != image]

    assert ids.tolist().count(image) == positions
    assert model.decode(words) == f"{tiny_checkpoint.BOS}\nFree OCR."


def test_every_adapter_answers_every_preset() -> None:
    """A preset that a model does not know falls back to the one prompt it documents."""
    for adapter in ADAPTERS.values():
        assert all(adapter.prompt(preset) for preset in ("markdown", "text", "figure", "describe"))
        assert adapter.prompt(f"<image>{adapter.picture}words") == "words"
    assert (OCR2_MODES["gundam"], OCR2_MODES["tiny"]) == (OCR2_TILED, OCR2_WHOLE)
