"""A vision model for llama.cpp that knows a few sentences by heart: small, quick, and every token of it foreseen.

The layers add nothing, so what comes next depends on the last token alone: its embedding is the only row of the output
matrix that answers to it. The last word of the prompt begins one of the answers. Pictures are really decoded and go
through a vision tower of random weights; what they show does not matter.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from support import gguf_file

END = "</s>"
MARKS = ["<s>", END, "<pad>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<td>", "</td>"]
LONG = 500  # words of the long answer: it takes a while, and none comes twice
ANSWERS: dict[str, list[str]] = {
    " markdown.": [
        "<|ref|>", "title", "<|/ref|>", "<|det|>", "[[100, 50, 900, 100]]", "<|/det|>", "# Receipt 7\n\n", "Paid",
        " in", " full", " today", ".", END,
    ],
    " OCR.": ["RECEIPT 7\n", "paid:", " 12", ".50", " EUR", END],
    " detail.": [END],
    " book.": [*(f" word{i}" for i in range(LONG)), END],
}  # fmt: skip
ROUND = ["Sum", " 1,00", " ;"]  # what " figure." begins and never ends
WORDS = [
    "Convert",
    " the",
    " document",
    " to",
    "Free",
    "Parse",
    "Describe",
    " this",
    " image",
    " in",
    " Recite",
    " a",
    " figure.",
]
WIDTH, HEADS, FEED, LAYERS = 512, 8, 64, 1
EYES, PATCH, SIDE = 64, 14, 56  # vision tower: width, pixels of a patch and of a side


def write(folder: Path) -> tuple[Path, Path]:
    """Write the text model and its vision tower into *folder*; return their paths."""
    text, eyes = folder / "text.gguf", folder / "eyes.gguf"
    tokens, kinds = _vocabulary()
    numbers = {token: number for number, token in enumerate(tokens)}
    random = np.random.default_rng(7)
    embedding = random.standard_normal((len(tokens), WIDTH)).astype(np.float32)
    output = np.zeros_like(embedding)
    for before, after in _steps():
        output[numbers[after]] += embedding[numbers[before]]
    gguf_file.write(text, _values(tokens, kinds), _text_tensors(embedding, output, random))
    gguf_file.write(eyes, _eye_values(), _eye_tensors(random))
    return text, eyes


def _steps() -> Iterator[tuple[str, str]]:
    """Yield which token follows which."""
    for word, answer in ANSWERS.items():
        yield from pairwise([word, *answer])
    yield from pairwise([" figure.", *ROUND, ROUND[0]])


def _letters() -> list[str]:
    """Return the letter that stands for each byte in byte-level BPE."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(spare)) for byte in range(256)]


def _vocabulary() -> tuple[list[str], list[int]]:
    """Return all tokens with their kinds: control 3, normal 1, user-defined 4."""
    whole = {piece for answer in ANSWERS.values() for piece in answer} | set(ROUND) | set(ANSWERS) | set(WORDS)
    single = sorted(_letters())
    pieces = sorted(whole - {*MARKS, *single})  # user-defined ones are written as they are
    return [*MARKS, *single, *pieces], [*[3] * len(MARKS), *[1] * len(single), *[4] * len(pieces)]


def _values(tokens: list[str], kinds: list[int]) -> dict[str, object]:
    return {
        "general.architecture": "llama", "general.name": "by-heart", "general.file_type": 0,
        "llama.context_length": 4096, "llama.embedding_length": WIDTH, "llama.block_count": LAYERS,
        "llama.feed_forward_length": FEED, "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-6, "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(tokens), "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1, "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    }  # fmt: skip


def _text_tensors(embedding: np.ndarray, output: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    tensors = {"token_embd.weight": embedding, "output_norm.weight": np.ones(WIDTH), "output.weight": output}
    for layer in range(LAYERS):
        shapes = dict.fromkeys(("attn_q", "attn_k", "attn_v"), (WIDTH, WIDTH))
        shapes |= {"ffn_gate": (FEED, WIDTH), "ffn_up": (FEED, WIDTH)}
        parts = {name: 0.02 * random.standard_normal(shape) for name, shape in shapes.items()}
        parts |= {"attn_norm": np.ones(WIDTH), "ffn_norm": np.ones(WIDTH)}
        parts |= {"attn_output": np.zeros((WIDTH, WIDTH)), "ffn_down": np.zeros((WIDTH, FEED))}  # they add nothing
        tensors |= {f"blk.{layer}.{name}.weight": part for name, part in parts.items()}
    return tensors


def _eye_values() -> dict[str, object]:
    vision = {"image_size": SIDE, "patch_size": PATCH, "embedding_length": EYES, "feed_forward_length": 128}
    vision |= {"projection_dim": EYES, "block_count": 2, "attention.head_count": 2}
    return {
        "general.architecture": "clip", "general.type": "mmproj", "general.name": "eyes", "general.file_type": 0,
        "clip.has_vision_encoder": True, "clip.has_text_encoder": False, "clip.has_llava_projector": True,
        "clip.use_gelu": False, "clip.projector_type": "mlp", "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.image_mean": [0.5, 0.5, 0.5], "clip.vision.image_std": [0.25, 0.25, 0.25],
        **{f"clip.vision.{key}": value for key, value in vision.items()},
    }  # fmt: skip


def _eye_tensors(random: np.random.Generator) -> dict[str, np.ndarray]:
    def small(*shape: int) -> np.ndarray:
        return 0.02 * random.standard_normal(shape)

    tensors = {
        "v.class_embd": small(EYES),
        "v.patch_embd.weight": small(EYES, 3, PATCH, PATCH),
        "v.position_embd.weight": small((SIDE // PATCH) ** 2 + 1, EYES),
    }
    norms = ["v.pre_ln", *(f"v.blk.{layer}.{name}" for layer in range(2) for name in ("ln1", "ln2"))]
    for norm in norms:
        tensors |= {f"{norm}.weight": np.ones(EYES), f"{norm}.bias": np.zeros(EYES)}
    shapes = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_out"), (EYES, EYES))
    shapes |= {"ffn_up": (128, EYES), "ffn_down": (EYES, 128)}
    named = {f"v.blk.{layer}.{name}": shape for layer in range(2) for name, shape in shapes.items()}
    for name, shape in (named | {"mm.0": (WIDTH, EYES), "mm.2": (WIDTH, WIDTH)}).items():
        tensors |= {f"{name}.weight": small(*shape), f"{name}.bias": np.zeros(shape[0])}
    return tensors
