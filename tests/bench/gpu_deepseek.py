"""What deepseek-ocr costs and gives on a machine with MLX: memory by phase, seconds to load, tokens and pages a second.

    python tests/bench/gpu_deepseek.py [--size full|tiny] [--pages 8] [--tokens 200] [--rows 1 4 8] [--work DIR]

Builds a checkpoint with the real structure and random 4-bit weights (`full`: DeepSeek-OCR's own sizes, 2.3 GB; `tiny`
tries the script out on a CPU), then measures in child processes with the engine's own loading, reading and release.
Random weights never end a text, so every attempt runs to --tokens and every page takes two attempts (gundam, base);
the plain mlx-vlm loop beside it makes the same attempts with the same arguments. Prints Markdown. Needs no pytest.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The scripts beside this one are no modules of ours, and some bear names of the standard library.
sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE]
sys.path[:0] = [str(HERE.parents[1] / "daemon"), str(HERE.parent)]

from support import tiny_checkpoint  # noqa: E402  # the line above finds it
from support.pages import Pages  # noqa: E402

VOCABULARY = 129_280
UNBOUNDED = "1000GB"
A4 = (1190, 1684)  # pixels at 144 dpi
SETTLE_SECONDS = 10.0  # how long after the exit the GPU may take to show it
PHASES = ("cold", "loaded", "read", "read again", "released", "after exit")
FULL_TEXT = {
    "hidden_size": 1280, "intermediate_size": 6848, "moe_intermediate_size": 896, "num_hidden_layers": 12,
    "num_attention_heads": 10, "num_key_value_heads": 10, "n_routed_experts": 64, "num_experts_per_tok": 6,
    "v_head_dim": 128,
}  # fmt: skip
FULL_VISION = {"layers": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16}


# -- the checkpoint


def build(folder: Path, size: str) -> Path:
    """Return a checkpoint with random 4-bit weights below *folder*, building it if it is not there."""
    done = folder / size
    if not (done / "model.safetensors").exists():
        shutil.rmtree(done, ignore_errors=True)
        done.mkdir(parents=True)
        with tower(size):
            _write(done, size)
    return done


def tower(size: str) -> contextlib.AbstractContextManager[None]:
    """Return the context in which models of this size are made and loaded."""
    return tiny_checkpoint.stub_sam() if size == "tiny" else contextlib.nullcontext()


def _write(out: Path, size: str) -> None:
    import mlx.core as mx
    import mlx.nn as nn
    from mlx.utils import tree_flatten
    from mlx_vlm.models.deepseekocr import Model, ModelConfig

    vocabulary = VOCABULARY if size == "full" else 1024
    tokenizer = tiny_checkpoint.build_tokenizer(out, tiny_checkpoint.CHAINS)
    _pad_tokenizer(out / "tokenizer.json", vocabulary)
    channels = tiny_checkpoint.FULL_CHANNELS if size == "full" else tiny_checkpoint.STUB_CHANNELS
    tiny_checkpoint.write_config(out, vocabulary, tokenizer, channels, **(FULL_TEXT if size == "full" else {}))
    config = json.loads((out / "config.json").read_text("utf-8"))
    if size == "full":
        config["vision_config"].update(FULL_VISION)
    config["quantization"] = {"group_size": 64, "bits": 4}
    (out / "config.json").write_text(json.dumps(config), "utf-8")
    mx.random.seed(0)
    model = Model(ModelConfig.from_dict(json.loads(json.dumps(config))))
    weights = dict(tree_flatten(model.parameters()))
    scale = 0.2 * (256 / config["language_config"]["hidden_size"]) ** 0.5
    for name, value in weights.items():  # as initialised, a token only repeats itself
        if name.startswith("language_model.") and value.ndim > 1:
            weights[name] = mx.random.normal(value.shape) * scale
    model.load_weights(list(weights.items()))
    model.set_dtype(mx.bfloat16 if size == "full" else mx.float32)  # 16 bit takes a CPU for ever
    nn.quantize(model, 64, 4, class_predicate=_quantised)
    mx.save_safetensors(str(out / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})


def _quantised(name: str, module: Any) -> bool:
    """Say whether a module is stored in 4 bit: the language model, as in the published conversion."""
    return "language_model" in name and hasattr(module, "to_quantized") and module.weight.shape[-1] % 64 == 0


def _pad_tokenizer(path: Path, vocabulary: int) -> None:
    """Give every id of the model a word, as its own tokenizer does for nearly all."""
    values = json.loads(path.read_text("utf-8"))
    words = values["model"]["vocab"]
    # Added tokens that are not in the vocabulary would move behind its new end.
    words.update({token["content"]: token["id"] for token in values["added_tokens"]})
    used = set(words.values())
    words.update({f"Ġw{n}": n for n in range(vocabulary) if n not in used})
    path.write_text(json.dumps(values, ensure_ascii=False), "utf-8")


# -- readings of memory


def gpu_megabytes() -> int | None:
    """Return the GPU memory in use by everybody, or None where there is no nvidia-smi."""
    if shutil.which("nvidia-smi") is None:
        return None
    ask = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return int(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()[0])


def host_megabytes() -> int:
    """Return what of this process is resident."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


# -- the children


def settings_of(options: argparse.Namespace) -> Any:
    """Return the settings that both children load with."""
    from dropscribe.config import checked

    engine = {"model": str(options.checkpoint), "mode": "gundam", "prompt": "figure", "max_tokens": options.tokens}
    times = {"page_timeout": "1h", "page_budget": "2h"}
    model = {"cache_limit": options.cache} if options.cache else {}
    return checked({"intake": {"orientation": "off"}, "engine": {**engine, **times}, "model": model}, "bench")


def pages_of(count: int) -> list[Any]:
    """Return pages with different writing."""
    from dropscribe.core.pages import Page

    return [Page(n, tiny_checkpoint.page_picture(*A4, f"Page {n}\n" * 30)) for n in range(1, count + 1)]


def read(engine: Any, pages: list[Any]) -> list[Any]:
    """Return the texts of *pages*; raise `RuntimeError` when one cannot be read."""
    from dropscribe.core.pages import PageFailure

    texts = list(engine.read(Pages(pages)))
    for text in texts:
        if isinstance(text, PageFailure):
            raise RuntimeError(f"page {text.key.number}: {text.reason}: {text.detail}")
    return texts


def child_memory(options: argparse.Namespace) -> None:
    """Go through one life of the engine and tell the memory after each phase."""
    from dropscribe.engines.base import Signals
    from dropscribe.engines.deepseek.engine import DeepSeekOcr
    from dropscribe.engines.deepseek.release import finish_thread

    def tell(phase: str) -> None:
        mlx = engine.mlx_memory()
        mine = {"active": mlx.active >> 20, "cache": mlx.cache >> 20, "peak": mlx.peak >> 20} if mlx else {}
        print(json.dumps({"phase": phase, "gpu": gpu_megabytes(), "host": host_megabytes(), **mine}), flush=True)

    engine = DeepSeekOcr(settings_of(options), Signals(), rows=options.rows[0])
    tell("cold")
    begun = time.monotonic()
    engine.load(lambda progress: None)
    print(json.dumps({"load": time.monotonic() - begun}), flush=True)
    tell("loaded")
    for phase in ("read", "read again"):
        read(engine, pages_of(options.pages))
        tell(phase)
    engine.unload()
    tell("released")
    finish_thread()


def child_speed(options: argparse.Namespace) -> None:
    """Read the same pages with our loop, by rows, and with a plain loop over mlx-vlm; tell the speeds."""
    from dropscribe.engines.base import Signals
    from dropscribe.engines.deepseek.engine import DeepSeekOcr
    from dropscribe.engines.deepseek.release import finish_thread

    pages = pages_of(options.pages)
    for rows in options.rows:
        engine = DeepSeekOcr(settings_of(options), Signals(), rows=rows)
        engine.load(lambda progress: None)
        read(engine, pages[: max(2, rows)])  # compiles kernels
        begun = time.monotonic()
        texts = read(engine, pages)
        told(f"ours, {rows} at once", texts, time.monotonic() - begun)
        if rows == options.rows[0]:
            plain(engine, pages[:1], texts[:1])
            begun = time.monotonic()
            plain(engine, pages, texts)
            told("plain mlx-vlm", texts, time.monotonic() - begun)
        engine.unload()
    finish_thread()


def told(name: str, texts: list[Any], seconds: float) -> None:
    """Print a speed as JSON."""
    attempts = [a for text in texts for a in text.attempts]
    count = sum(a.tokens for a in attempts)
    ends = sorted({a.end for a in attempts})
    values = {"speed": name, "tokens": count / seconds, "pages": len(texts) / seconds, "attempts": len(attempts)}
    print(json.dumps({**values, "ends": ends, "total": count}), flush=True)


def plain(engine: Any, pages: list[Any], texts: list[Any]) -> None:
    """Make the attempts that were made at *pages* again, with nothing but mlx-vlm."""
    from mlx_vlm import stream_generate
    from mlx_vlm.prompt_utils import apply_chat_template

    from dropscribe.engines.deepseek.loading import quiet
    from dropscribe.engines.vlm.adapters import MODES

    model, processor = engine._loaded.model, engine._loaded.processor
    by_number = {text.number: text for text in texts}
    prompt = apply_chat_template(processor, model.config, "Parse the figure.", num_images=1)
    with tempfile.TemporaryDirectory() as folder, quiet():
        for page in pages:
            path = os.path.join(folder, f"{page.number}.png")
            page.image.save(path, "PNG", compress_level=1)
            for attempt in by_number[page.number].attempts:
                values: dict[str, Any] = {"max_tokens": attempt.tokens, "temperature": 0.0, **MODES[attempt.mode]}
                for _ in stream_generate(model, processor, prompt, image=[path], **values):
                    pass


# -- the parent


def run(options: argparse.Namespace, kind: str, cache: str | None, checkpoint: Path) -> Iterator[dict[str, Any]]:
    """Run a child and yield what it tells; its errors go to our own standard error."""
    line = [sys.executable, __file__, "--child", kind, "--checkpoint", str(checkpoint), "--size", options.size]
    line += ["--pages", str(options.pages), "--tokens", str(options.tokens), "--rows", *map(str, options.rows)]
    line += ["--cache", cache] if cache else []
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for told_line in child.stdout:
            if told_line.startswith("{"):
                yield json.loads(told_line)
    if child.returncode:
        print(f"\n**The child `{kind}` ended with exit code {child.returncode}.**")


def after_exit(before: int | None) -> int | None:
    """Return the GPU memory once it is back where it was, or after some seconds."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (now := gpu_megabytes()) is not None and before is not None:
        if now <= before + 16 or time.monotonic() > deadline:
            return now
        time.sleep(0.2)
    return now


def memory_table(options: argparse.Namespace, checkpoint: Path) -> None:
    """Print memory by phase, with and without the bound on the cache."""
    print("\n## Memory (MB)\n\n| cache limit | phase | GPU, all | host, resident | MLX active | MLX cache | MLX peak |")
    print("|---|---|---|---|---|---|---|")
    loads = []
    for name, cache in (("512 MB (default)", None), ("none", UNBOUNDED)):
        before = gpu_megabytes()
        for told_values in run(options, "memory", cache, checkpoint):
            if "load" in told_values:
                loads.append(told_values["load"])
                continue
            figures = [told_values.get(key) for key in ("gpu", "host", "active", "cache", "peak")]
            row(name, told_values["phase"], *figures)
        row(name, PHASES[-1], after_exit(before), 0, None, None, None)
    print(
        "\nSeconds to load: " + ", ".join(f"{seconds:.1f}" for seconds in loads) + " (the first from a cold disk cache)"
    )


def speed_table(options: argparse.Namespace, checkpoint: Path) -> None:
    """Print tokens and pages a second, and their ratio to the plain loop."""
    found = [values for values in run(options, "speed", None, checkpoint) if "speed" in values]
    base = next((values["tokens"] for values in found if values["speed"].startswith("plain")), None)
    print(
        "\n## Speed\n\n| loop | attempts | tokens | ends | tokens/s | pages/s | ratio to plain |\n" + "|---" * 7 + "|"
    )
    for v in found:
        ratio = f"{v['tokens'] / base:.2f}" if base else "-"
        row(
            v["speed"],
            v["attempts"],
            v["total"],
            ", ".join(v["ends"]),
            f"{v['tokens']:.1f}",
            f"{v['pages']:.3f}",
            ratio,
        )


def row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    print("| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |", flush=True)


def main() -> None:
    """Measure, or be the child that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=200, help="of each attempt")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1, 4, 8], help="pages at once; the first also for memory"
    )
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "dropscribe-bench")
    parser.add_argument("--child", choices=("build", "memory", "speed"), help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "build":
        build(options.work, options.size)
    elif options.child:
        with tower(options.size):
            {"memory": child_memory, "speed": child_speed}[options.child](options)
    else:
        # Built in a process of its own, so that its memory is none of what is measured.
        line = [sys.executable, __file__, "--child", "build", "--size", options.size, "--work", str(options.work)]
        subprocess.run(line, check=True)
        print(f"# deepseek-ocr, {options.size}: {options.pages} pages, {options.tokens} tokens an attempt")
        memory_table(options, options.work / options.size)
        speed_table(options, options.work / options.size)


if __name__ == "__main__":
    main()
