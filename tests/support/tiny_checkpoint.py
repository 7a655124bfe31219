"""A tiny checkpoint with the real structure of DeepSeek-OCR: tokenizer, names, layouts, 4 bit, and scripted answers.

The language model walks a fixed chain of tokens that depends only on the last word of the prompt, so what it will
answer is known. Every piece of a chain is one token. mlx-vlm hard-codes its vision tower: `stub_sam` puts pooling and
one linear layer in its place, in the process that converts or loads; without it the full tower is built. The same goes
for Unlimited-OCR and DeepSeek-OCR-2, whose second tower it makes thin.
"""

import contextlib
import importlib
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

BOS, EOS, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
SPECIAL = ["<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>"]
SPECIAL += ["<td>", "</td>", "<tr>", "</tr>", "<|User|>", "<|Assistant|>"]
STUB_CHANNELS = 64
FULL_CHANNELS = 1024  # what the last convolution of the real tower gives
SECOND_CHANNELS = 896  # the same in DeepSeek-OCR-2, where mlx-vlm hard-codes it

SECOND_ENCODER = "qwen2_model.model.model."

Chains = Mapping[str, Sequence[str]]  # last word of the prompt -> pieces; one without EOS at its end runs in a circle

PAGE = [
    "<|ref|>title<|/ref|><|det|>[[80, 40, 920, 90]]<|/det|>\n",
    "# Invoice 42\n\n",
    "<|ref|>text<|/ref|><|det|>[[80, 120, 920, 300]]<|/det|>\n",
    *("Dear customer,", " thank", " you", " for", " your", " order", " of", " paper.\n\n"),
    "<|ref|>table<|/ref|><|det|>[[80, 320, 920, 600]]<|/det|>\n",
    "<table><tr><td>Item</td><td>Price</td></tr>",
    "<tr><td>Paper</td><td>3.50</td></tr></table>\n\n",
    "<|ref|>image<|/ref|><|det|>[[100, 650, 500, 900]]<|/det|>\n",
    "<|ref|>text<|/ref|><|det|>[[80, 910, 920, 960]]<|/det|>\n",
    *("合计：", "三元五角。\n", EOS),
]
TEXT = ["INVOICE 42\n", "Dear Ms. Smith,\n", "amount due", " is", " 3.50", " EUR.\n", EOS]
CHINESE = [
    "春眠不觉晓，",
    "处处闻啼鸟。\n",
    "<table><tr><td>风",
    "</td><td>雨</td></tr></table>\n",
    "花落",
    "知多少？",
    EOS,
]
LOOP = ["| Total", " | 0.00", " |\n"]

CHAINS: Chains = {
    "markdown.": PAGE,
    "OCR.": TEXT,
    "figure.": LOOP,
    "detail.": [EOS],
    "poem.": CHINESE,
    "numbers.": [f"{n} bottles of beer on the wall\n" for n in range(40, 0, -1)] + [EOS],
}
# A model that cannot do layout on this page: the ladder has to climb to plain text.
STUBBORN: Chains = {"markdown.": LOOP, "OCR.": TEXT, "detail.": [EOS]}
# Unlimited-OCR has one prompt.
UNLIMITED: Chains = {"parsing.": PAGE}
# A model that gives blanks for ever.
SILENT: Chains = {"figure.": [" \n", "  \n"]}


def build(
    folder: Path,
    chains: Chains = CHAINS,
    *,
    full_vision: bool = False,
    scripted: bool = True,
    kind: str = "deepseekocr",
) -> Path:
    """Build a checkpoint below *folder* and return the folder of its 4-bit conversion."""
    from mlx_vlm.convert import convert

    source = folder / "hf"
    source.mkdir(parents=True)
    tokenizer = build_tokenizer(source, chains)
    vocabulary = -(-tokenizer.get_vocab_size() // 64) * 64
    write_config(source, vocabulary, tokenizer, FULL_CHANNELS if full_vision else STUB_CHANNELS, kind)
    write_weights(source, tokenizer, chains if scripted else None, kind)
    with contextlib.redirect_stdout(None):
        convert(str(source), str(folder / "mlx"), quantize=True, q_bits=4, q_group_size=64, trust_remote_code=False)
    return folder / "mlx"


@contextlib.contextmanager
def stub_sam() -> Iterator[None]:
    """Put pooling and one linear layer in the place of mlx-vlm's vision tower."""
    import mlx.nn as nn
    import mlx_vlm.models.deepseekocr.deepseekocr as first
    import mlx_vlm.models.deepseekocr_2.deepseekocr_2 as second
    import mlx_vlm.models.deepseekocr_2.vision as encoder
    import mlx_vlm.models.unlimited_ocr.unlimitedocr as unlimited

    class StubSam(nn.Module):  # type: ignore[misc]  # mlx's classes are untyped
        def __init__(self, final_out_chans: int = STUB_CHANNELS, **_: Any) -> None:
            super().__init__()
            self.proj = nn.Linear(3, final_out_chans)

        def __call__(self, x: Any) -> Any:  # B, H, W, 3 -> B, H/64, W/64, channels
            b, h, w, c = x.shape
            return self.proj(x.reshape(b, h // 64, 64, w // 64, 64, c).mean(axis=(2, 4)))

    real, real_sizes = first.SAMEncoder, encoder.Qwen2EncoderConfig
    first.SAMEncoder = second.SAMEncoder = unlimited.SAMEncoder = StubSam
    # DeepSeek-OCR-2 reads the sizes of its second tower from nowhere: 24 layers, here one, as wide but thin.
    encoder.Qwen2EncoderConfig = lambda **sizes: real_sizes(**{**sizes, "layers": 1, "intermediate_size": 64})
    try:
        yield
    finally:
        first.SAMEncoder = second.SAMEncoder = unlimited.SAMEncoder = real
        encoder.Qwen2EncoderConfig = real_sizes


def page_picture(width: int = 600, height: int = 400, text: str = "INVOICE 42\nTotal 3.50 EUR") -> Image.Image:
    """Return a white page with some writing on it."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).multiline_text((20, 20), text, fill="black", font=ImageFont.load_default(24))
    return image


# -- tokenizer


def _byte_letters() -> dict[int, str]:
    """Return GPT-2's printable letter for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + n) for n, b in enumerate(rest)}}


_LETTERS = _byte_letters()


def spelled(text: str) -> str:
    """Return *text* as it stands in a byte-level vocabulary."""
    return "".join(_LETTERS[byte] for byte in text.encode())


def build_tokenizer(out: Path, chains: Chains) -> Any:
    """Write a byte-level BPE tokenizer with DeepSeek's splitting rules and special tokens; return it."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    words = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"""
    splits = (r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", words + r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    before = pre_tokenizers.Sequence([*(pre_tokenizers.Split(Regex(s), "isolated") for s in splits), level])
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = before
    phrases = ["\nConvert the document to", "\nFree", "\nOCR this image", "\nParse the", "\nDescribe this image in"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False, initial_alphabet=alphabet)
    trained.train_from_iterator(phrases * 20, trainer)
    learnt = json.loads(trained.to_str())["model"]
    vocabulary = {BOS: 0, EOS: 1, PAD: 2}
    for token in sorted(learnt["vocab"], key=learnt["vocab"].get):
        vocabulary.setdefault(token, len(vocabulary))
    for piece in dict.fromkeys(p for chain in chains.values() for p in chain if p != EOS):
        vocabulary.setdefault(spelled(piece), len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(x) for x in learnt["merges"]]))
    tokenizer.pre_tokenizer, tokenizer.decoder = before, decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (BOS, EOS, PAD, *SPECIAL)])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in chains])
    tokenizer.save(str(out / "tokenizer.json"))
    _write(out / "tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": False, "bos_token": BOS, "eos_token": EOS, "pad_token": PAD,
        "unk_token": None, "clean_up_tokenization_spaces": False, "legacy": True, "model_max_length": 8192,
        "tokenizer_class": "LlamaTokenizerFast",
    })  # fmt: skip
    chat = ["<|User|>", "<|Assistant|>"]
    _write(out / "special_tokens_map.json", {
        "bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "additional_special_tokens": chat,
    })  # fmt: skip
    return tokenizer


# -- settings and weights


def write_config(
    out: Path, vocabulary: int, tokenizer: Any, channels: int, kind: str = "deepseekocr", **language: Any
) -> None:
    """Write config.json and processor_config.json as the published repository has them, with small sizes."""
    text = {
        "architectures": ["DeepseekV2ForCausalLM"], "bos_token_id": 0, "eos_token_id": 1, "first_k_dense_replace": 1,
        "hidden_size": 256, "intermediate_size": 512, "kv_lora_rank": None, "lm_head": True,
        "max_position_embeddings": 8192, "moe_intermediate_size": 128, "n_group": 1, "n_routed_experts": 4,
        "n_shared_experts": 2, "num_attention_heads": 4, "num_experts_per_tok": 2, "num_hidden_layers": 2,
        "num_key_value_heads": 4, "q_lora_rank": None, "qk_nope_head_dim": 0, "qk_rope_head_dim": 0, "rm_head": False,
        "topk_group": 1, "topk_method": "greedy", "torch_dtype": "float32", "use_mla": False, "v_head_dim": 0,
        "vocab_size": vocabulary, **language,
    }  # fmt: skip
    vision = {
        "model_name": "deeplip_b_l", "model_type": "vision", "image_size": 1024, "mlp_ratio": 3.7362, "layers": 1,
        "hidden_size": channels, "intermediate_size": 128, "num_attention_heads": channels // 64, "patch_size": 14,
    }  # fmt: skip
    _write(out / "config.json", {
        "_name_or_path": "tiny/DeepSeek-OCR", "architectures": ["DeepseekOCRForCausalLM"],
        "candidate_resolutions": [[1024, 1024]], "global_view_pos": "head", "tile_tag": "2D",
        "model_type": kind, "torch_dtype": "float32", "transformers_version": "4.46.3",
        "language_config": text, "vision_config": vision, "bos_token_id": 0, "eos_token_id": 1,
        "vocab_size": vocabulary, "image_token_index": tokenizer.token_to_id("<image>"),
        "projector_config": {
            "input_dim": SECOND_CHANNELS if kind == "deepseekocr_2" else 2 * channels,
            "model_type": "mlp_projector", "n_embed": text["hidden_size"],
            "projector_type": "linear",
        },
    })  # fmt: skip
    _write(out / "processor_config.json", {
        "add_special_token": False, "candidate_resolutions": [[1024, 1024]], "downsample_ratio": 4, "ignore_id": -100,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "image_token": "<image>", "mask_prompt": False,
        "normalize": True, "pad_token": PAD, "patch_size": 16, "processor_class": "DeepseekVLV2Processor",
        "sft_format": "deepseek",
    })  # fmt: skip


def write_weights(out: Path, tokenizer: Any, chains: Chains | None, kind: str = "deepseekocr") -> None:
    """Write random weights under the published names; with *chains*, a language model that walks them."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    package = importlib.import_module("mlx_vlm.models." + kind.replace("-", "_"))
    mx.random.seed(0)
    model = package.Model(package.ModelConfig.from_dict(json.loads((out / "config.json").read_text("utf-8"))))
    weights = dict(tree_flatten(model.parameters()))
    for name, value in weights.items():  # what starts as zeros (router, positions) gets some noise
        if value.ndim > 1 and not mx.any(value).item():
            weights[name] = mx.random.normal(value.shape) * 0.02
    if chains is not None:
        _script(weights, _successors(tokenizer, chains))
    else:
        _enliven(weights)
    published: dict[str, Any] = {}
    for name, value in weights.items():
        published.update(_published(name, value.astype(mx.float32)))
    mx.eval(published)
    shard = "model-00001-of-000001.safetensors"
    mx.save_safetensors(str(out / shard), published, {"format": "pt"})
    _write(out / "model.safetensors.index.json", {"metadata": {}, "weight_map": dict.fromkeys(published, shard)})


def _successors(tokenizer: Any, chains: Chains) -> dict[int, int]:
    after: dict[int, int] = {}
    for start, chain in chains.items():
        ids = [tokenizer.token_to_id(piece if piece == EOS else spelled(piece)) for piece in chain]
        circle = [] if chain[-1] == EOS else [ids[0]]
        path = [tokenizer.token_to_id(start), *ids, *circle]
        for a, b in itertools.pairwise(path):
            if after.setdefault(a, b) != b:
                raise ValueError(f"token {a} of the chain {start!r} has two successors")
    return after


def _script(weights: dict[str, Any], after: dict[int, int]) -> None:
    """Silence the layers and make the output a table of successors."""
    import mlx.core as mx

    embedding = mx.random.normal(weights["language_model.model.embed_tokens.weight"].shape)
    head: list[Any] = [mx.zeros_like(embedding[0])] * embedding.shape[0]
    for a, b in after.items():
        head[b] = head[b] + embedding[a]
    weights["language_model.model.embed_tokens.weight"] = embedding
    weights["language_model.lm_head.weight"] = mx.stack(head)
    for name in weights:
        if name.startswith("language_model.") and (name.endswith("o_proj.weight") or "down_proj" in name):
            weights[name] = mx.zeros_like(weights[name])


def _enliven(weights: dict[str, Any]) -> None:
    """Make the layers strong enough for the picture to matter: as initialised, a token only repeats itself."""
    import mlx.core as mx

    for name, value in weights.items():
        if name.startswith("language_model.") and value.ndim > 1:
            weights[name] = mx.random.normal(value.shape) * 0.2
        elif name.startswith("projector."):
            weights[name] = mx.random.normal(value.shape)


def _published(name: str, value: Any) -> dict[str, Any]:
    """Return a parameter under the names and in the layout of the published repository."""
    if value.ndim == 4 and "pos_embed" not in name:
        value = value.transpose(0, 3, 1, 2)
    if name.startswith("language_model.model."):
        name = name.replace("language_model.model.", "model.")
    elif name.startswith("language_model."):
        name = name.replace("language_model.", "")
    else:
        name = name.replace("view_separator", "view_seperator").replace("vision_model.qwen2_encoder.", SECOND_ENCODER)
        name = "model." + name.replace(SECOND_ENCODER + "query_", "qwen2_model.query_")
        name += ".weight" if "query_" in name else ""
    if ".switch_mlp." in name:
        return {name.replace("switch_mlp", f"experts.{e}"): value[e] for e in range(value.shape[0])}
    return {name: value}


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1), "utf-8")


def main() -> None:
    """Build a scripted checkpoint in a new temporary folder and print where it is."""
    with stub_sam():
        print(build(Path(tempfile.mkdtemp(prefix="tiny-deepseek-")) / "checkpoint"))


if __name__ == "__main__":
    main()
