"""Which folders are checkpoints that we read."""

import json
import struct
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.deepseek.checkpoint import check, check_transformers, weights_size


def shard(path: Path, size: int = 64) -> None:
    """Write a file of weights that is what its header says."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole checkpoint, as far as its files tell."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "deepseekocr"}))
    (tmp_path / "tokenizer.json").write_text("{}")
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    shard(tmp_path / "one.safetensors")
    shard(tmp_path / "two.safetensors")
    return tmp_path


def broken(folder: Path) -> str:
    """Return what is said of *folder*."""
    with pytest.raises(ReasonedError) as caught:
        check(str(folder))
    assert caught.value.reason is Reason.MODEL_BROKEN
    return caught.value.detail


def test_a_whole_checkpoint_is_taken(folder: Path) -> None:
    """Its type and the size of its weights are told."""
    assert check(str(folder)) == "deepseekocr"
    assert weights_size(str(folder)) == sum(p.stat().st_size for p in folder.glob("*.safetensors"))


@pytest.mark.parametrize("name", ["config.json", "two.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    """So that the user knows what the download left out."""
    (folder / name).unlink()

    assert name.split(".")[0] in broken(folder)


def test_a_torn_file_of_weights_is_found_by_its_length(folder: Path) -> None:
    """The header says how long it should be."""
    whole = (folder / "two.safetensors").read_bytes()
    (folder / "two.safetensors").write_bytes(whole[:-10])

    assert f"two.safetensors has {len(whole) - 10} bytes and should have {len(whole)}" in broken(folder)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, struct.pack("<Q", 3) + b"{}x", struct.pack("<Q", 2) + b"[]"])
def test_weights_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    """Whatever lies there under that name."""
    (folder / "two.safetensors").write_bytes(content)

    assert "two.safetensors" in broken(folder)


def test_an_index_that_points_out_of_the_folder_is_refused(folder: Path) -> None:
    """A checkpoint cannot make us read other files."""
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}))

    assert "../../etc/passwd is missing" in broken(folder)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "deepseekocr", "model_file": "evil.py"}, "its own program"),
        ({"model_type": "deepseek_vl_v2"}, "mlx-community/DeepSeek-OCR-4bit"),
        ({"model_type": "../evil"}, 'its model_type is "../evil"; known are deepseekocr'),
        ({}, 'its model_type is ""'),
        ([], "config.json cannot be read"),
    ],
)
def test_a_model_we_do_not_know_is_never_imported(folder: Path, config: object, said: str) -> None:
    """Neither code from the repository nor a package that its settings name."""
    (folder / "config.json").write_text(json.dumps(config))

    assert said in broken(folder)


@pytest.mark.parametrize(("version", "good"), [("4.57.3", True), ("5.0.0", True), ("5.2.9", True), ("5.3.0", False),
                                               ("5.12.1", False), ("5.21.0", False), ("5.22.0", True), ("5.23.0", True),
                                               ("6.0.0.dev0", True)])  # fmt: skip
def test_versions_of_transformers_that_drop_blanks_are_refused(version: str, good: bool) -> None:
    """Measured: 5.3 to 5.21 lose every blank and newline of the prompt."""
    if good:
        check_transformers(version)
    else:
        with pytest.raises(ReasonedError, match=r"pip install 'transformers>=5\.22'"):
            check_transformers(version)
