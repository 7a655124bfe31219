"""Folders of GLM-OCR, PaddleOCR-VL and granite-docling that lack something, or bring too much."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.base import Signals
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.vlm.adapters import ADAPTERS
from support import tiny_models
from support.mlx_engine import MakeCheckpoint, MakeEngine, page, settings_for
from support.pages import Pages
from support.tiny_architectures import GRANITE, KINDS


def fault(folder: Path) -> str:
    """Return what the engine says of the checkpoint in *folder*."""
    with pytest.raises(ReasonedError) as caught:
        DeepSeekOcr(settings_for(folder), Signals()).load(lambda progress: None)
    assert caught.value.reason is Reason.MODEL_BROKEN
    return caught.value.detail


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_missing_chat_template_is_told(kin: MakeCheckpoint, tmp_path: Path, kind: str) -> None:
    """mlx-vlm would ask without one, in a form that the model has never seen."""
    folder = Path(shutil.copytree(kin(kind), tmp_path / "copy"))
    (folder / "chat_template.jinja").unlink()

    assert "chat template is missing" in fault(folder)


def test_a_chat_template_that_never_ends_is_told(kin: MakeCheckpoint, tmp_path: Path) -> None:
    """Jinja's sandbox bounds one range, not the ranges inside it."""
    folder = Path(shutil.copytree(kin("glm_ocr"), tmp_path / "copy"))
    loops = "{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}{% endfor %}{% endfor %}"
    template = (folder / "chat_template.jinja").read_text("utf-8")
    (folder / "chat_template.jinja").write_text(loops + "{% endfor %}" + template, "utf-8")

    assert "chat template does not end" in fault(folder)


def test_a_missing_file_of_the_processor_is_named(kin: MakeCheckpoint, tmp_path: Path) -> None:
    """What the library says of it is long and speaks of the network."""
    folder = Path(shutil.copytree(kin("idefics3"), tmp_path / "copy"))
    for name in ADAPTERS["idefics3"].files:
        (folder / name).unlink(missing_ok=True)

    assert "preprocessor_config.json is missing" in fault(folder)


def test_another_model_of_the_same_type_is_refused(kin: MakeCheckpoint, tmp_path: Path) -> None:
    """Idefics3 is many models; only those that know places write DocTags."""
    plain = replace(GRANITE, special=[token for token in GRANITE.special if not token.startswith("<loc_")])
    folder = tiny_models.build(tmp_path, plain, None)

    assert "does not know the mark <loc_0>" in fault(folder)


@pytest.mark.parametrize("kind", list(KINDS))
def test_code_that_a_repository_brings_is_never_run(
    kin: MakeCheckpoint, tmp_path: Path, loaded: MakeEngine, kind: str
) -> None:
    """Whichever file names it: PaddleOCR-VL's own repository does. The page is read without."""
    folder = Path(shutil.copytree(kin(kind), tmp_path / "copy"))
    for name, entry in {
        "config.json": "AutoConfig", "processor_config.json": "AutoProcessor",
        "preprocessor_config.json": "AutoImageProcessor",
    }.items():  # fmt: skip
        values = json.loads((folder / name).read_text("utf-8"))
        tiny_models.write(folder / name, {**values, "auto_map": {entry: "evil.Evil"}})
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    (text,) = loaded(folder).read(Pages([page(1, 150, 100)]))

    assert text.flags == ()
    assert not (tmp_path / "ran").exists()
