"""GLM-OCR, PaddleOCR-VL and granite-docling read pages, as far as tiny checkpoints of them can tell."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_kin
from engine_desk import MakeEngine, settings_for
from tiny_checkpoint import page_picture
from tiny_kin import Kind
from tiny_kinds import GLM, GRANITE, PADDLE

from dropscribe.engines import Signals
from dropscribe.engines.deepseek import DeepSeekOcr
from dropscribe.engines.deepseek.adapters import ADAPTERS, AT_ONCE
from dropscribe.engines.deepseek.generate import Try, prepare, tokens, watch_for
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.deepseek.pictures import PictureFolder
from dropscribe.errors import Reason, ReasonedError
from dropscribe.pages import Block, Page, PageText

pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
pytest.importorskip("mlx_vlm", reason="mlx-vlm is not installed", exc_type=ImportError)

ANSWERS = {
    "glm_ocr": ["matrix[[1, 2, 3, 4]]\n", "合计：", "<table><tr><td>Paper</td><td>3.50</td></tr></table>", "\nend"],
    "paddleocr_vl": ["Invoice 42\n", "合计： 3.50\n", "<fcel>", "Paper", "<fcel>3", ".50", "<nl>"],
    "idefics3": [
        "<doctag>", "<section_header_level_1>", "<loc_50>", "<loc_40>", "<loc_450>", "<loc_60>", "Invoice 42",
        "</section_header_level_1>", "\n", "<text>", "<loc_51>", "<loc_80>", "<loc_449>", "<loc_120>", "合计：3.50",
        "</text>", "<otsl>", "<loc_52>", "<loc_150>", "<loc_448>", "<loc_200>", "<ched>", "Item", "<lcel>", "<nl>",
        "<fcel>", "Paper", "<fcel>3.50", "<nl></otsl>",
    ],
}  # fmt: skip
KINDS = {kind.name: kind for kind in (GLM, PADDLE, GRANITE)}

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A function that gives the checkpoint of a kind, built when first asked for."""
    built: dict[tuple[str, bool], Path] = {}

    def make(kind: str, scripted: bool = True) -> Path:
        if (kind, scripted) not in built:
            folder = tmp_path_factory.mktemp(kind)
            built[kind, scripted] = tiny_kin.build(folder, KINDS[kind], ANSWERS[kind] if scripted else None)
        return built[kind, scripted]

    return make


def read(engine: DeepSeekOcr, *pages: Page) -> list[PageText]:
    """Return the texts of *pages*."""
    return list(engine.read(pages))


def small(number: int = 1, width: int = 300, height: int = 200, text: str = "INVOICE 42") -> Page:
    """Return a small page: these models take more pixels the more there are."""
    return Page(number, page_picture(width, height, text))


def untimed(texts: list[PageText]) -> list[object]:
    """Return all that matters of *texts*."""
    return [(t.number, t.text, t.flags, [(a.mode, a.tokens, a.end) for a in t.attempts]) for t in texts]


# -- one scripted page each


def test_glm_ocr_reads_a_page(checkpoint: Make, loaded: MakeEngine) -> None:
    """What another model would mean as layout is text; HTML is a table; special tokens stay out."""
    (text,) = read(loaded(checkpoint("glm_ocr")), small())

    assert text.markdown == "".join(ANSWERS["glm_ocr"])
    assert text.text == "matrix[[1, 2, 3, 4]]\n合计：Paper\t3.50\nend"
    assert [(b.label, b.box) for b in text.blocks] == [("text", None), ("table", None), ("text", None)]
    assert (text.flags, len(text.attempts), text.attempts[0].tokens, text.attempts[0].end) == ((), 1, 4, "stop")


def test_paddleocr_vl_reads_a_page(checkpoint: Make, loaded: MakeEngine) -> None:
    """With blanks out of a vocabulary of pieces, and a table out of OTSL."""
    (text,) = read(loaded(checkpoint("paddleocr_vl")), small())

    assert text.markdown == "Invoice 42\n合计： 3.50\n<table><tr><td>Paper</td><td>3.50</td></tr></table>"
    assert (text.text, text.flags) == ("Invoice 42\n合计： 3.50\nPaper\t3.50", ())
    assert (len(text.attempts), text.attempts[0].end) == (1, "stop")


def test_granite_docling_reads_a_page(checkpoint: Make, loaded: MakeEngine) -> None:
    """Heading, text and table with boxes in pixels; the answer ends with the page's end tag."""
    (text,) = read(loaded(checkpoint("idefics3")), small())

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
    checkpoint: Make, loaded: MakeEngine, kind: str, size: tuple[int, int], positions: int
) -> None:
    """The documented words in the checkpoint's template, with as many places as the picture has features."""
    model = loaded(checkpoint(kind))._loaded
    assert model is not None
    image = page_picture(*size)
    ids = prepare(model, Try(1, "gundam", "markdown", image, False, 60, 8), PictureFolder()).ids[0].tolist()
    text = model.tokenizer.decode(ids, skip_special_tokens=False)

    assert text.count(model.adapter.picture) == positions
    assert text.replace(model.adapter.picture, "") == PROMPTS[kind]


@pytest.mark.parametrize("kind", list(KINDS))
def test_words_of_ones_own_hold_no_second_picture(checkpoint: Make, loaded: MakeEngine, kind: str) -> None:
    """The model's mark for a picture in the prompt would ask for a picture that is not there."""
    words = f"{ADAPTERS[kind].picture}Read <image>this."
    (text,) = read(loaded(checkpoint(kind), engine={"prompt": words}), small())

    assert (text.flags, text.attempts[0].end) == ((), "stop")


# -- state from page to page


PAGES = [small(1, 150, 100, "Page 1"), small(2, 100, 250, "Page 2\nPage 2")]
TO_THE_POINT = {"max_tokens": 8, "prompt": "figure"}  # one attempt only


@pytest.mark.parametrize("kind", ["glm_ocr", "paddleocr_vl"])
def test_a_page_after_another_gives_what_it_gives_alone(checkpoint: Make, loaded: MakeEngine, kind: str) -> None:
    """With weights that make everything matter: positions of the page before, of another shape, must not linger."""
    first, second = read(loaded(checkpoint(kind, False), engine=TO_THE_POINT), *PAGES)
    (alone,) = read(loaded(checkpoint(kind, False), engine=TO_THE_POINT), PAGES[1])

    assert untimed([second]) == untimed([alone])
    assert first.text != second.text, "the pages must differ for this to mean anything"


@pytest.mark.slow
def test_granite_docling_reads_pages_together_as_alone(checkpoint: Make, loaded: MakeEngine) -> None:
    """Its caches are plain, so several pages share a forward pass, to the same tokens."""
    alone = [read(loaded(checkpoint("idefics3", False), engine=TO_THE_POINT), one)[0] for one in PAGES]
    together = read(loaded(checkpoint("idefics3", False), rows=2, engine=TO_THE_POINT), *PAGES)

    assert untimed(together) == untimed(alone)
    assert together[0].text != together[1].text, "the pages must differ for this to mean anything"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_prompt_taken_in_pieces_is_the_same_prompt(checkpoint: Make, loaded: MakeEngine, kind: str) -> None:
    """Pages have more positions than are taken at once; where mlx-vlm numbers pieces wrongly, there is but one."""
    model = loaded(checkpoint(kind, False))._loaded
    assert model is not None
    small_pieces = replace(model, adapter=replace(model.adapter, prefill=64))
    at_once = ids_of(replace(model, adapter=replace(model.adapter, prefill=AT_ONCE)))

    assert (ids_of(small_pieces) == at_once) == (model.adapter.prefill != AT_ONCE)


def ids_of(model: Loaded) -> list[int]:
    """Return the first tokens of an answer to a page of some hundred positions."""
    attempt = Try(1, "gundam", "markdown", page_picture(300, 500), False, 60, 8)
    inputs = prepare(model, attempt, PictureFolder())
    return list(tokens(model, inputs, watch_for(model, attempt, inputs.ids.shape[1], 0.0)))


# -- the ladder


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_failed_attempt_is_followed_by_halves_at_once(checkpoint: Make, loaded: MakeEngine, kind: str) -> None:
    """There are no modes and one prompt: all rungs between would be the same again."""
    (text,) = read(
        loaded(checkpoint(kind), engine={"max_tokens": 3 if kind != "idefics3" else 7, "mode": "gundam"}), small()
    )

    assert [(a.mode, a.prompt) for a in text.attempts] == [
        ("gundam", "markdown"), ("gundam half 1", "markdown"), ("gundam half 2", "markdown")
    ]  # fmt: skip
    assert {a.end for a in text.attempts} == {"length"}


# -- what is wrong with a checkpoint


def fault(folder: Path) -> str:
    """Return what the engine says of the checkpoint in *folder*."""
    with pytest.raises(ReasonedError) as caught:
        DeepSeekOcr(settings_for(folder), Signals(), look_ahead=False).load(lambda progress: None)
    assert caught.value.reason is Reason.MODEL_BROKEN
    return caught.value.detail


@pytest.mark.parametrize("kind", list(KINDS.values()), ids=list(KINDS))
def test_a_missing_chat_template_is_told(kind: Kind, tmp_path: Path) -> None:
    """mlx-vlm would ask without one, in a form that the model has never seen."""
    folder = tiny_kin.build(tmp_path, kind, ANSWERS[kind.name])
    for name in ("chat_template.jinja", "chat_template.json"):
        (folder / name).unlink(missing_ok=True)

    assert "chat template is missing" in fault(folder)


def test_a_missing_file_of_the_processor_is_named(checkpoint: Make, tmp_path: Path) -> None:
    """What the library says of it is long and speaks of the network."""
    folder = Path(shutil.copytree(checkpoint("idefics3"), tmp_path / "copy"))
    for name in ADAPTERS["idefics3"].files:
        (folder / name).unlink(missing_ok=True)

    assert "preprocessor_config.json is missing" in fault(folder)


def test_another_model_of_the_same_type_is_refused(tmp_path: Path) -> None:
    """Idefics3 is many models; only those that know places write DocTags."""
    plain = replace(GRANITE, special=[token for token in GRANITE.special if not token.startswith("<loc_")])
    folder = tiny_kin.build(tmp_path, plain, None)

    assert "does not know the mark <loc_0>" in fault(folder)
