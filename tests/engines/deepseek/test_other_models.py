"""GLM-OCR, PaddleOCR-VL and granite-docling read pages, as far as tiny checkpoints of them can tell."""

from dataclasses import replace

import pytest

from dropscribe.core.pages import Block, Page, PageText
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.deepseek.generate import prepare, tokens, watch_for
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.vlm.adapters import ADAPTERS, AT_ONCE
from dropscribe.engines.vlm.attempt import Request
from support.mlx_engine import MakeCheckpoint, MakeEngine
from support.pages import Pages
from support.tiny_architectures import ANSWERS, KINDS
from support.tiny_checkpoint import page_picture


def read(engine: DeepSeekOcr, *pages: Page) -> list[PageText]:
    """Return the texts of *pages*."""
    return list(engine.read(Pages(pages)))


def small(number: int = 1, width: int = 300, height: int = 200, text: str = "INVOICE 42") -> Page:
    """Return a small page: these models take more pixels the more there are."""
    return Page(number, page_picture(width, height, text))


def untimed(texts: list[PageText]) -> list[object]:
    """Return all that matters of *texts*."""
    return [(t.number, t.text, t.flags, [(a.mode, a.tokens, a.end) for a in t.attempts]) for t in texts]


# -- one scripted page each


def test_glm_ocr_reads_a_page(kin: MakeCheckpoint, loaded: MakeEngine) -> None:
    """What another model would mean as layout is text; HTML is a table; special tokens stay out."""
    (text,) = read(loaded(kin("glm_ocr")), small())

    assert text.markdown == "".join(ANSWERS["glm_ocr"])
    assert text.text == "matrix[[1, 2, 3, 4]]\n合计：Paper\t3.50\nend"
    assert [(b.label, b.box) for b in text.blocks] == [("text", None), ("table", None), ("text", None)]
    assert (text.flags, len(text.attempts), text.attempts[0].tokens, text.attempts[0].end) == ((), 1, 4, "stop")


def test_paddleocr_vl_reads_a_page(kin: MakeCheckpoint, loaded: MakeEngine) -> None:
    """With blanks out of a vocabulary of pieces, and a table out of OTSL."""
    (text,) = read(loaded(kin("paddleocr_vl")), small())

    assert text.markdown == "Invoice 42\n合计： 3.50\n<table><tr><td>Paper</td><td>3.50</td></tr></table>"
    assert (text.text, text.flags) == ("Invoice 42\n合计： 3.50\nPaper\t3.50", ())
    assert (len(text.attempts), text.attempts[0].end) == (1, "stop")


def test_granite_docling_reads_a_page(kin: MakeCheckpoint, loaded: MakeEngine) -> None:
    """Heading, text and table with boxes in pixels; the answer ends with the page's end tag."""
    (text,) = read(loaded(kin("idefics3")), small())

    assert text.markdown == (
        '## Invoice 42\n\n合计：3.50\n\n<table><tr><th colspan="2">Item</th></tr>'
        "<tr><td>Paper</td><td>3.50</td></tr></table>"
    )
    assert text.text == "Invoice 42\n\n合计：3.50\n\nItem\nPaper\t3.50"
    assert text.blocks[0] == Block("sub_title", "Invoice 42", (30, 16, 270, 24))
    assert [b.label for b in text.blocks] == ["sub_title", "text", "table"]
    assert (text.flags, len(text.attempts), text.attempts[0].end) == ((), 1, "stop")


# -- what the model is given


PROMPTS = {
    "glm_ocr": "[gMASK]<sop><|user|>\n<|begin_of_image|><|end_of_image|>Text Recognition:<|assistant|>\n",
    "paddleocr_vl": "<|begin_of_sentence|>User: <|IMAGE_START|><|IMAGE_END|>OCR:\nAssistant: ",
    "idefics3": (
        "<|start_of_role|>user<|end_of_role|>{}Convert this page to docling.<|end_of_text|>\n"
        "<|start_of_role|>assistant<|end_of_role|>"
    ).format(
        "".join(f"<fake_token_around_image><row_{r}_col_1><fake_token_around_image><row_{r}_col_2>\n" for r in (1, 2))
        + "\n<fake_token_around_image><global-img><fake_token_around_image>"
    ),
}


@pytest.mark.parametrize(
    ("kind", "size", "positions"),
    [
        ("glm_ocr", (280, 140), 10 * 5),
        ("paddleocr_vl", (560, 280), 20 * 10),
        ("idefics3", (512, 512), (2 * 2 + 1) * 64),
    ],
)
def test_the_prompt_is_whole_and_holds_the_picture_once(
    kin: MakeCheckpoint, loaded: MakeEngine, kind: str, size: tuple[int, int], positions: int
) -> None:
    """The documented words in the checkpoint's template, with as many places as the picture has features."""
    model = loaded(kin(kind))._loaded
    assert model is not None
    image = page_picture(*size)
    ids = prepare(model, Request(1, "gundam", "markdown", image, False, 60, 8)).ids[0].tolist()
    text = model.tokenizer.decode(ids, skip_special_tokens=False)

    assert text.count(model.adapter.picture) == positions
    assert text.replace(model.adapter.picture, "") == PROMPTS[kind]


@pytest.mark.parametrize("kind", list(KINDS))
def test_words_of_ones_own_hold_no_second_picture(kin: MakeCheckpoint, loaded: MakeEngine, kind: str) -> None:
    """The model's mark for a picture in the prompt would ask for a picture that is not there."""
    words = f"{ADAPTERS[kind].picture}Read <image>this."
    (text,) = read(loaded(kin(kind), engine={"prompt": words}), small())

    assert (text.flags, text.attempts[0].end) == ((), "stop")


# -- state from page to page


PAGES = [small(1, 150, 100, "Page 1"), small(2, 100, 250, "Page 2\nPage 2")]
TO_THE_POINT = {"max_tokens": 8, "prompt": "figure"}  # one attempt only


@pytest.mark.parametrize("kind", ["glm_ocr", "paddleocr_vl"])
def test_a_page_after_another_gives_what_it_gives_alone(kin: MakeCheckpoint, loaded: MakeEngine, kind: str) -> None:
    """With weights that make everything matter: positions of the page before, of another shape, must not linger."""
    first, second = read(loaded(kin(kind, False), engine=TO_THE_POINT), *PAGES)
    (alone,) = read(loaded(kin(kind, False), engine=TO_THE_POINT), PAGES[1])

    assert untimed([second]) == untimed([alone])
    assert first.text != second.text, "the pages must differ for this to mean anything"


@pytest.mark.slow
def test_granite_docling_reads_pages_together_as_alone(kin: MakeCheckpoint, loaded: MakeEngine) -> None:
    """Its caches are plain, so several pages share a forward pass, to the same tokens."""
    alone = [read(loaded(kin("idefics3", False), engine=TO_THE_POINT), one)[0] for one in PAGES]
    together = read(loaded(kin("idefics3", False), rows=2, engine=TO_THE_POINT), *PAGES)

    assert untimed(together) == untimed(alone)
    assert together[0].text != together[1].text, "the pages must differ for this to mean anything"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_prompt_taken_in_pieces_is_the_same_prompt(kin: MakeCheckpoint, loaded: MakeEngine, kind: str) -> None:
    """Pages have more positions than are taken at once; where mlx-vlm numbers pieces wrongly, there is but one."""
    model = loaded(kin(kind, False))._loaded
    assert model is not None
    small_pieces = replace(model, adapter=replace(model.adapter, prefill=64))
    at_once = ids_of(replace(model, adapter=replace(model.adapter, prefill=AT_ONCE)))

    assert (ids_of(small_pieces) == at_once) == (model.adapter.prefill != AT_ONCE)


def ids_of(model: Loaded) -> list[int]:
    """Return the first tokens of an answer to a page of some hundred positions."""
    attempt = Request(1, "gundam", "markdown", page_picture(300, 500), False, 60, 8)
    inputs = prepare(model, attempt)
    return list(tokens(model, inputs, watch_for(model, attempt, inputs.ids.shape[1], 0.0)))


# -- the ladder


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_failed_attempt_is_followed_by_halves_at_once(kin: MakeCheckpoint, loaded: MakeEngine, kind: str) -> None:
    """There are no modes and one prompt: all rungs between would be the same again."""
    (text,) = read(loaded(kin(kind), engine={"max_tokens": 3 if kind != "idefics3" else 7, "mode": "gundam"}), small())

    assert [(a.mode, a.prompt) for a in text.attempts] == [
        ("gundam", "markdown"), ("gundam half 1", "markdown"), ("gundam half 2", "markdown")
    ]  # fmt: skip
    assert {a.end for a in text.attempts} == {"length"}
