"""Is a folder a whole checkpoint that we read, and the installed packages ones that read it right?

Looks at files and versions only; MLX is not imported here. Every fault is a `ReasonedError` of the environment kind.
"""

import json
import os
import struct
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.vlm.adapters import ADAPTERS

DROPS_BLANKS = ((5, 3), (5, 22))  # transformers from, up to: these load the tokenizer so that it drops every blank
TOKENIZERS = ("tokenizer.json", "tokenizer.model")


def require_packages() -> None:
    """Raise `ReasonedError` unless MLX and a transformers that keeps blanks are installed."""
    missing = [name for name in ("mlx", "mlx_vlm", "transformers") if find_spec(name) is None]
    if missing:
        names = " and ".join(missing).replace("_", "-")
        what = f"The engine deepseek-ocr needs {names}, not installed here; run: pip install 'dropscribe[mlx]'."
        raise ReasonedError(Reason.ENGINE_UNAVAILABLE, what)
    check_transformers(version("transformers"))


def check_transformers(installed: str) -> None:
    """Raise `ReasonedError` (model-broken) when this version of transformers drops the blanks of prompts."""
    numbers = tuple(int(part) for part in installed.split(".")[:2] if part.isdigit())
    if DROPS_BLANKS[0] <= numbers < DROPS_BLANKS[1]:
        what = f"transformers {installed} drops every blank of the prompt; run: pip install 'transformers>=5.22'."
        raise ReasonedError(Reason.MODEL_BROKEN, what)


def engine_version() -> str:
    """Return the version of mlx-vlm, or "not installed"."""
    try:
        return version("mlx-vlm")
    except PackageNotFoundError:
        return "not installed"


def check(folder: str) -> str:
    """Return the model type of the checkpoint in *folder*; raise `ReasonedError` (model-broken) if it is not whole."""
    config = _json(folder, "config.json")
    if config.get("model_file"):
        # mlx-vlm would import that file: code from a model repository, which is never run.
        raise _broken(folder, "it wants to bring its own program (model_file in config.json), which is never run")
    kind = str(config.get("model_type", "")).lower()
    if kind == "deepseek_vl_v2":
        raise _broken(
            folder, "it is DeepSeek's own repository; use a conversion such as mlx-community/DeepSeek-OCR-4bit"
        )
    if kind not in ADAPTERS:
        raise _broken(folder, f'its model_type is "{kind}"; known are {", ".join(ADAPTERS)}')
    if not any(os.path.isfile(os.path.join(folder, name)) for name in TOKENIZERS):
        raise _broken(folder, "its tokenizer is missing")
    files = ADAPTERS[kind].files
    if files and not any(os.path.isfile(os.path.join(folder, name)) for name in files):
        raise _broken(folder, f"{files[0]} is missing")
    shards = sorted(_shards(folder))
    if not shards:
        raise _broken(folder, "it holds no weights (*.safetensors)")
    for shard in shards:
        _check_shard(folder, shard)
    return kind


def weights_size(folder: str) -> int:
    """Return the bytes of all weights in *folder*."""
    return sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder) if n.endswith(".safetensors"))


def _shards(folder: str) -> Iterator[str]:
    if os.path.isfile(os.path.join(folder, "model.safetensors.index.json")):
        index = _json(folder, "model.safetensors.index.json").get("weight_map")
        yield from set(index.values()) if isinstance(index, dict) else ()
    else:
        yield from (name for name in os.listdir(folder) if name.endswith(".safetensors"))


def _check_shard(folder: str, name: str) -> None:
    """Compare a file of weights with what its own header says; a torn download is shorter."""
    path = os.path.join(folder, name)
    if os.path.basename(name) != name or not os.path.isfile(path):
        raise _broken(folder, f"{name} is missing")
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > os.path.getsize(path):
                raise ValueError
            header = json.loads(file.read(length))
        end = max((t["data_offsets"][1] for key, t in header.items() if key != "__metadata__"), default=0)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error):
        raise _broken(folder, f"{name} cannot be read") from None
    if os.path.getsize(path) != 8 + length + end:
        raise _broken(folder, f"{name} has {os.path.getsize(path):,} bytes and should have {8 + length + end:,}")


def _json(folder: str, name: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            values = json.load(file)
    except FileNotFoundError:
        raise _broken(folder, f"{name} is missing") from None
    except (OSError, ValueError):
        raise _broken(folder, f"{name} cannot be read") from None
    if not isinstance(values, dict):
        raise _broken(folder, f"{name} cannot be read")
    return values


def _broken(folder: str, why: str) -> ReasonedError:
    return ReasonedError(Reason.MODEL_BROKEN, f"The model in {folder} cannot be used: {why}.")
