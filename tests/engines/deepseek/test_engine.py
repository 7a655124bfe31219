"""The engine with a checkpoint of the real structure and scripted answers."""

import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dropscribe.core.errors import Reason, ReasonedError, Stopped
from dropscribe.core.pages import Block, Page, PageFailure, PageKey, PageText
from dropscribe.engines.base import LoadProgress, Signals
from dropscribe.engines.deepseek import loading
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.deepseek.generate import prepare, tokens, watch_for
from dropscribe.engines.vlm.adapters import MODES
from dropscribe.engines.vlm.attempt import Request
from support import tiny_checkpoint
from support.mlx_engine import MakeEngine, page, settings_for
from support.pages import Pages


def ids_of(engine: DeepSeekOcr, attempt: Request) -> list[int]:
    """Return the tokens of one attempt, the end mark among them."""
    assert engine._loaded is not None
    inputs = prepare(engine._loaded, attempt)
    watch = watch_for(engine._loaded, attempt, inputs.ids.shape[1], 0.0)
    ids = []
    with closing(tokens(engine._loaded, inputs, watch)) as coming:
        for token in coming:
            ids.append(token)
            if watch.take(token, 1.0):
                break
    return ids


def read_one(engine: DeepSeekOcr, wanted: Page) -> PageText:
    """Return the text of one page; raise what became of it instead."""
    (text,) = engine.read(Pages([wanted]))
    if isinstance(text, PageFailure):
        raise ReasonedError(text.reason, text.detail)
    return text


# -- reading


def test_a_page_is_read_with_its_layout(tiny: Path, loaded: MakeEngine) -> None:
    """Title, text, table and figure with boxes; Chinese and HTML whole; plain text beside."""
    text = read_one(loaded(tiny), page())

    assert text.markdown == (
        "# Invoice 42\n\nDear customer, thank you for your order of paper.\n\n"
        "<table><tr><td>Item</td><td>Price</td></tr><tr><td>Paper</td><td>3.50</td></tr></table>\n\n合计：三元五角。"
    )
    assert text.text == (
        "Invoice 42\n\nDear customer, thank you for your order of paper.\n\nItem\tPrice\nPaper\t3.50\n\n"
        "合计：三元五角。"
    )
    assert [block.label for block in text.blocks] == ["title", "text", "table", "image", "text"]
    assert text.blocks[0] == Block("title", "Invoice 42", (48, 16, 552, 36))
    assert (text.flags, text.text_source, text.attempts[0].tokens, text.attempts[0].end) == ((), "ocr", 18, "stop")


def test_plain_text_is_read_without_layout(tiny: Path, loaded: MakeEngine) -> None:
    """The preset `text`."""
    text = read_one(loaded(tiny, engine={"prompt": "text"}), page())

    assert text.text == "INVOICE 42\nDear Ms. Smith,\namount due is 3.50 EUR."
    assert text.flags == ()


def test_words_of_ones_own_are_asked_as_they_are(tiny: Path, loaded: MakeEngine) -> None:
    """A literal prompt; Chinese and tables come through whole, and a picture's mark in it does no harm."""
    text = read_one(loaded(tiny, engine={"prompt": "<image>Recite the poem."}), page())

    assert text.markdown == "春眠不觉晓，处处闻啼鸟。\n<table><tr><td>风</td><td>雨</td></tr></table>\n花落知多少？"
    assert text.attempts[0].prompt == "<image>Recite the poem."


def test_an_endless_loop_ends_early_and_is_marked(tiny: Path, loaded: MakeEngine) -> None:
    """Every rung of this prompt loops; one copy is kept and the page wants a look."""
    text = read_one(loaded(tiny, engine={"prompt": "figure"}), page())

    assert [(a.mode, a.end) for a in text.attempts] == [("tiny", "loop"), ("gundam", "loop"), ("base", "loop")]
    assert max(a.tokens for a in text.attempts) < 70
    assert text.text == "| Total | 0.00 |"
    assert set(text.flags) == {"loop", "partial"}


def test_the_ladder_climbs_from_layout_to_plain_text(stubborn: Path, loaded: MakeEngine) -> None:
    """What loops on layout is read without."""
    text = read_one(loaded(stubborn, engine={"mode": "gundam"}), page())

    assert [(a.mode, a.prompt, a.end) for a in text.attempts] == [
        ("gundam", "markdown", "loop"),
        ("base", "markdown", "loop"),
        ("gundam", "text", "stop"),
    ]
    assert text.text.startswith("INVOICE 42")
    assert text.flags == ("reduced-mode",)


def test_an_empty_answer_is_tried_again_and_marked(tiny: Path, loaded: MakeEngine) -> None:
    """The model says nothing about a page with ink."""
    text = read_one(loaded(tiny, engine={"prompt": "describe"}), page())

    assert [a.end for a in text.attempts] == ["empty"] * 3
    assert (text.text, text.flags) == ("", ("empty",))


def test_running_out_of_tokens_is_never_success(tiny: Path, loaded: MakeEngine) -> None:
    """`length` climbs the ladder and marks what is kept."""
    text = read_one(loaded(tiny, engine={"prompt": "Count the numbers.", "max_tokens": 5}), page())

    assert [a.end for a in text.attempts] == ["length"] * 3
    assert text.text.splitlines() == [f"{n} bottles of beer on the wall" for n in range(40, 35, -1)]
    assert set(text.flags) == {"length", "partial"}


def test_running_out_of_time_is_told(silent: Path, loaded: MakeEngine) -> None:
    """Between tokens; the budget of the page ends the ladder."""
    times = {"page_timeout": 0.001, "page_budget": 0.002}
    with pytest.raises(ReasonedError, match="timeout") as caught:
        read_one(loaded(silent, engine={"prompt": "figure", **times}), page())

    assert caught.value.reason is Reason.NO_TEXT


def test_figures_leave_places_and_tables_become_markdown_if_wanted(tiny: Path, loaded: MakeEngine) -> None:
    """As the settings for output say."""
    text = read_one(loaded(tiny, output={"tables": "markdown", "figures": True}), page(3))

    assert "| Item | Price |\n| --- | --- |\n| Paper | 3.50 |" in text.markdown
    assert "![](FIGURE:3-1)" in text.markdown


# -- what the model is given


@pytest.mark.parametrize(
    ("mode", "size", "positions"),
    [
        ("tiny", (1190, 1684), 73),
        ("small", (1190, 1684), 111),
        ("base", (1190, 1684), 273),
        ("large", (1190, 1684), 421),
        ("gundam", (1190, 1684), 903),
        ("gundam", (1684, 1190), 893),
        ("gundam", (600, 400), 273),
    ],
)
def test_a_mode_takes_so_many_positions(
    tiny: Path, loaded: MakeEngine, mode: str, size: tuple[int, int], positions: int
) -> None:
    """The figures of the model's documents, with newline and separator tokens."""
    engine = loaded(tiny)
    assert engine._loaded is not None
    attempt = Request(1, mode, "text", Image.new("RGB", size, "white"), False, 60, 8)
    inputs = prepare(engine._loaded, attempt)
    pictures = [i for i in inputs.ids[0].tolist() if i == engine._loaded.model.config.image_token_index]

    assert len(pictures) == positions


@pytest.mark.parametrize("prompt", ["markdown", "text", "figure", "describe"])
def test_the_prompt_keeps_its_full_stop_and_newline(tiny: Path, loaded: MakeEngine, prompt: str) -> None:
    """The ids are the official ones: start, picture, newline, words to the last full stop."""
    engine = loaded(tiny)
    assert engine._loaded is not None
    attempt = Request(1, "tiny", prompt, Image.new("RGB", (100, 100), "white"), False, 60, 8)
    ids = prepare(engine._loaded, attempt).ids[0].tolist()
    words = engine._loaded.adapter.prompts[prompt]

    assert engine._loaded.decode(ids).replace("<image>", "") == f"{tiny_checkpoint.BOS}\n{words}"


@pytest.mark.parametrize("mode", list(MODES))
def test_the_ids_are_those_of_mlx_vlm_itself(random_weights: Path, loaded: MakeEngine, mode: str) -> None:
    """Same picture, same arguments, called directly: the same tokens."""
    import mlx_vlm
    from mlx_vlm.prompt_utils import apply_chat_template
    from mlx_vlm.tokenizer_utils import NaiveStreamingDetokenizer

    picture = page(1, 900, 700)
    engine = loaded(random_weights, engine={"mode": mode, "max_tokens": 24, "prompt": "Recite the poem."})
    assert engine._loaded is not None
    model, processor = engine._loaded.model, engine._loaded.processor
    # Its own detokenizer fails on ids without a token, which random weights give.
    processor.detokenizer = NaiveStreamingDetokenizer(processor.tokenizer)
    with loading.quiet():
        prompt = apply_chat_template(processor, model.config, "Recite the poem.", num_images=1)
        direct = mlx_vlm.generate(
            model, processor, prompt, image=picture.image, max_tokens=24, temperature=0.0, verbose=False, **MODES[mode]
        )
    ours = ids_of(engine, Request(1, mode, "Recite the poem.", picture.image, False, 60, 24))

    assert ours == direct.token_ids
    assert len(set(ours)) > 1


def test_the_guard_alone_would_leave_a_loop_looking_clean(tiny: Path, loaded: MakeEngine) -> None:
    """Measured: mlx-vlm with the guard ends `stop` after 68 tokens; why bans are evidence."""
    import mlx_vlm
    from mlx_vlm.prompt_utils import apply_chat_template

    from dropscribe.engines.deepseek.generate import Banned
    from dropscribe.engines.vlm.ngram_guard import NGramGuard
    from dropscribe.engines.vlm.repetition import LoopDetector

    engine = loaded(tiny)
    assert engine._loaded is not None
    model, processor = engine._loaded.model, engine._loaded.processor
    guard = NGramGuard(30, 90)
    with loading.quiet():
        prompt = apply_chat_template(processor, model.config, "Parse the figure.", num_images=1)
        values: dict[str, Any] = {"max_tokens": 400, "temperature": 0.0, "logits_processors": [Banned(guard)]}
        direct = mlx_vlm.generate(
            model, processor, prompt, image=page().image, verbose=False, **values, **MODES["tiny"]
        )
    detector = LoopDetector(engine._loaded.spelling)
    for token in direct.token_ids:
        detector.push(token)

    assert direct.finish_reason == "stop"
    assert detector.anywhere() is None
    assert guard.hits[0] == 32


# -- stopping, telling, leaving nothing behind


def test_stops_between_tokens(tiny: Path, loaded: MakeEngine) -> None:
    """Asked in the middle of a page; the next page reads as if nothing had been."""
    signals = Signals()
    seen: list[int] = []

    def stop(key: PageKey, count: int) -> None:
        seen.append(count)
        signals.stop.set()

    signals.tokens = stop
    engine = loaded(tiny, signals=signals, engine={"prompt": "Count the numbers."})
    with pytest.raises(Stopped):
        read_one(engine, page())
    assert seen == [16]

    signals.stop.clear()
    signals.tokens = lambda key, count: seen.append(count)
    assert len(read_one(engine, page()).text.splitlines()) == 40
    assert seen == [16, 16, 32]


def test_tells_every_attempt_and_its_mode(tiny: Path, loaded: MakeEngine) -> None:
    """So that the daemon can tell slow from stuck."""
    told: list[tuple[PageKey, str]] = []
    signals = Signals(attempt=lambda key, mode: told.append((key, mode)))
    list(loaded(tiny, signals=signals, engine={"prompt": "describe"}).read(Pages([page(4, document=7)])))

    assert told == [((7, 4), "tiny"), ((7, 4), "gundam"), ((7, 4), "base")]


def test_nothing_is_printed_and_no_picture_is_written(
    tiny: Path, loaded: MakeEngine, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Standard output is the worker's; pictures reach the processor in memory."""
    list(loaded(tiny, engine={"mode": "small"}, folders={"state": str(tmp_path)}).read(Pages([page(1), page(2)])))

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_settings_that_need_no_new_load_are_taken_over(tiny: Path, loaded: MakeEngine) -> None:
    """The prompt of the next page."""
    engine = loaded(tiny)
    engine.apply(settings_for(tiny, engine={"prompt": "text"}))

    assert read_one(engine, page()).attempts[0].prompt == "text"


# -- loading


def test_loading_tells_its_steps_and_the_bytes(tiny: Path) -> None:
    """Packages, weights with their size, ready."""
    told: list[LoadProgress] = []
    engine = DeepSeekOcr(settings_for(tiny), Signals())
    engine.load(told.append)
    engine.unload()
    total = sum(path.stat().st_size for path in tiny.glob("*.safetensors"))

    assert [progress.step for progress in told] == ["packages", "weights", "weights", "ready"]
    assert (told[1].done_bytes, told[2].done_bytes, told[2].total_bytes) == (0, total, total)
    assert engine.estimate() > total


def test_the_first_page_ever_is_read_while_loading_and_outside_all_limits(tiny: Path) -> None:
    """An empty one, told as a step of its own; a page's limits do not count, and the next page reads as always."""
    told: list[str] = []
    attempts: list[int] = []
    hurried = settings_for(tiny, engine={"page_timeout": "1ms", "page_budget": "1ms"})
    engine = DeepSeekOcr(hurried, Signals(attempt=lambda number, mode: attempts.append(number)), warm=True)
    engine.load(lambda progress: told.append(progress.step))
    try:
        assert told == ["packages", "weights", "weights", "warm-up", "ready"]
        assert attempts == []
        engine.apply(settings_for(tiny))
        assert read_one(engine, page()).text.startswith("Invoice 42")
    finally:
        engine.unload()


def test_while_a_model_is_loaded_the_hub_is_out_of_reach(tiny: Path) -> None:
    """And it is as it was before, afterwards."""
    from huggingface_hub import constants

    before = (constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE"))
    engine = DeepSeekOcr(settings_for(tiny), Signals())
    engine.load(lambda progress: None)
    during = (constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE"))
    engine.unload()

    assert during == (True, "1")
    assert (constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")) == before


def test_the_vision_towers_can_be_cast_to_float32(tiny: Path, loaded: MakeEngine) -> None:
    """`engine.vision_precision: float32`; the reading goes on as before."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    engine = loaded(tiny, engine={"vision_precision": "float32"})
    assert engine._loaded is not None
    model = engine._loaded.model

    kinds = {
        value.dtype for part in (model.sam_model, model.vision_model) for _, value in tree_flatten(part.parameters())
    }
    assert kinds == {mx.float32}
    assert read_one(engine, page()).flags == ()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("tokenizer.json", "its tokenizer is missing"),
        ("weights", "should have"),
        ("blanks", "loses blanks"),
        ("marks", "does not know the mark"),
    ],
)
def test_a_broken_model_is_told_and_leaves_nothing_loaded(tiny: Path, tmp_path: Path, damage: str, said: str) -> None:
    """What is wrong, in a sentence; the queue waits."""
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    damaged(folder, damage)
    engine = DeepSeekOcr(settings_for(folder), Signals())
    with pytest.raises(ReasonedError, match=said) as caught:
        engine.load(lambda progress: None)
    memory = engine.mlx_memory()

    assert caught.value.reason is Reason.MODEL_BROKEN
    assert memory is None or (memory.active < 1 << 20 and memory.cache == 0)


def damaged(folder: Path, damage: str) -> None:
    """Damage a copy of the checkpoint."""
    tokenizer = folder / "tokenizer.json"
    if damage == "weights":
        weights = folder / "model.safetensors"
        os.truncate(weights, weights.stat().st_size - 100)
    elif damage == "tokenizer.json":
        tokenizer.unlink()
    elif damage == "blanks":
        values = json.loads(tokenizer.read_text("utf-8"))
        values["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": ""}
        tokenizer.write_text(json.dumps(values), "utf-8")
    else:
        values = json.loads(tokenizer.read_text("utf-8"))
        values["added_tokens"] = [t for t in values["added_tokens"] if t["content"] != "<td>"]
        tokenizer.write_text(json.dumps(values), "utf-8")


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The folder is named."""
    engine = DeepSeekOcr(settings_for(tmp_path / "none"), Signals())
    with pytest.raises(ReasonedError, match="which is not there") as caught:
        engine.load(lambda progress: None)

    assert caught.value.reason is Reason.MODEL_MISSING


def test_code_that_a_repository_brings_is_never_run(tiny: Path, tmp_path: Path, loaded: MakeEngine) -> None:
    """An auto_map would import a file of the repository; the page is read without."""
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoConfig": "modeling_evil.Config", "AutoModel": "modeling_evil.Model"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "modeling_evil.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\nclass Model: pass\n"
    )

    assert read_one(loaded(folder), page()).flags == ()
    assert not (tmp_path / "ran").exists()
