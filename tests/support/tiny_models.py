"""Tiny checkpoints of the other models: their real structure, files and names, small weights, scripted or random.

Each is written as its published repository lays it out and brought to 4 bit by mlx-vlm's own conversion. A script is a
chain of pieces that begins at the last token of the prompt; a model with random weights sees everything. What differs
between the models lies in `tiny_architectures`.
"""

import contextlib
import importlib
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.tiny_checkpoint import spelled

Names = Callable[[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """What makes a model type: files, special tokens, and how its repository names its weights."""

    name: str
    config: dict[str, Any]  # ids are given as tokens: {"@": "<|image|>"}
    special: Sequence[str]
    template: str
    last: str  # the prompt's last token
    end: str  # the token that ends an answer
    published: Names
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    marks: Sequence[str] = ()  # single tokens that are not special
    pieces: bool = False  # a vocabulary of pieces with a sign for blanks, not of bytes
    tokenizer: dict[str, Any] = field(default_factory=dict)


def build(folder: Path, kind: Kind, answer: Sequence[str] | None) -> Path:
    """Build a checkpoint that gives *answer*, or has random weights; return the folder of its 4-bit conversion."""
    from mlx_vlm.convert import convert

    source = folder / "hf"
    source.mkdir(parents=True)
    tokenizer = write_tokenizer(source, kind, answer or ())
    write(source / "config.json", _with_ids(kind.config, tokenizer))
    for name, values in kind.files.items():
        write(source / name, values)
    (source / "chat_template.jinja").write_text(kind.template, "utf-8")
    write_weights(source, kind, _chain(tokenizer, kind, answer) if answer else None)
    with contextlib.redirect_stdout(None):
        convert(str(source), str(folder / "mlx"), quantize=True, q_bits=4, q_group_size=64, trust_remote_code=False)
    return folder / "mlx"


def write(path: Path, values: dict[str, Any]) -> None:
    """Write *values* as JSON."""
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1), "utf-8")


def write_tokenizer(out: Path, kind: Kind, answer: Iterable[str]) -> Any:
    """Write a tokenizer without merges: prompts fall apart into letters, each piece of the answer is one token."""
    from tokenizers import AddedToken

    taken = {*kind.special, *kind.marks}
    words = [piece for piece in dict.fromkeys(answer) if piece not in taken]
    tokenizer = _of_pieces(words) if kind.pieces else _of_bytes(words)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in kind.special])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in kind.marks])
    tokenizer.save(str(out / "tokenizer.json"))
    write(out / "tokenizer_config.json", {
        "eos_token": kind.end, "pad_token": kind.end, "clean_up_tokenization_spaces": False,
        "model_max_length": 8192, "tokenizer_class": "PreTrainedTokenizerFast", **kind.tokenizer,
    })  # fmt: skip
    return tokenizer


def _of_bytes(words: Iterable[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for word in words:
        vocabulary.setdefault(spelled(word), len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _of_pieces(words: Iterable[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers

    vocabulary = {"<unk>": 0, **{f"<0x{byte:02X}>": 1 + byte for byte in range(256)}, "▁": 257}
    for word in [*map(chr, range(33, 127)), *words]:
        vocabulary.setdefault(word.replace(" ", "▁"), len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _with_ids(values: Any, tokenizer: Any) -> Any:
    """Return *values* with tokens turned into ids and the size of the vocabulary filled in."""
    if isinstance(values, dict):
        if "@" in values:
            return tokenizer.token_to_id(values["@"])
        filled = {key: _with_ids(value, tokenizer) for key, value in values.items()}
        if "vocab_size" in filled:
            filled["vocab_size"] = -(-tokenizer.get_vocab_size() // 64) * 64
        return filled
    return [_with_ids(value, tokenizer) for value in values] if isinstance(values, list) else values


def _chain(tokenizer: Any, kind: Kind, answer: Sequence[str]) -> list[int]:
    known = tokenizer.get_vocab()
    spell = (lambda text: text.replace(" ", "▁")) if kind.pieces else spelled
    return [known[word] if word in known else known[spell(word)] for word in (kind.last, *answer, kind.end)]


def write_weights(out: Path, kind: Kind, chain: list[int] | None) -> None:
    """Write random weights under the published names; with *chain*, a language model that walks it."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_vlm.utils import update_module_configs

    package = importlib.import_module(f"mlx_vlm.models.{kind.name}")
    values = json.loads((out / "config.json").read_text("utf-8"))
    config = package.ModelConfig.from_dict(values)
    mx.random.seed(0)
    model = package.Model(update_module_configs(config, package, values, ["text", "vision"]))
    weights = dict(tree_flatten(model.parameters()))
    if chain is None:
        weights = {name: _strong(name, value) for name, value in weights.items()}
    else:
        _script(weights, chain)
    published: dict[str, Any] = {}
    for name, value in weights.items():
        published.update(kind.published(name, value.astype(mx.float32)))
    mx.eval(published)
    mx.save_safetensors(str(out / "model.safetensors"), published, {"format": "pt"})


def _strong(name: str, value: Any) -> Any:
    """Return weights strong enough for the picture to matter: as initialised, a token only repeats itself."""
    import mlx.core as mx

    return mx.random.normal(value.shape) * 0.2 if name.startswith("language_model.") and value.ndim > 1 else value


def _script(weights: dict[str, Any], chain: list[int]) -> None:
    """Silence the layers and make the output a table of successors."""
    import mlx.core as mx

    if len(set(chain)) != len(chain):
        raise ValueError("a token of the answer has two successors")
    (at,) = (name for name in weights if name.startswith("language_model.") and name.endswith("embed_tokens.weight"))
    weights[at] = embedding = mx.random.normal(weights[at].shape)
    head: list[Any] = [mx.zeros_like(embedding[0])] * embedding.shape[0]
    for a, b in itertools.pairwise(chain):
        head[b] = embedding[a]
    weights["language_model.lm_head.weight"] = mx.stack(head)
    for name in weights:
        if name.startswith("language_model.") and (name.endswith("o_proj.weight") or "down_proj" in name):
            weights[name] = mx.zeros_like(weights[name])
