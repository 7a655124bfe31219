"""Which model is asked how: its family by its name, the request's body, and answers that have a form of their own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dropscribe.engines.remote import tidy
from dropscribe.engines.remote.body import Asked, body
from dropscribe.engines.remote.families import ANY, FAMILIES, Family, family_of
from dropscribe.engines.remote.picture import encode, scaled
from dropscribe.engines.vlm.parsers.values import PageContext, Parsed

NAMES = {
    "deepseek-ai/DeepSeek-OCR": "deepseek-ocr", "deepseek-ocr:3b": "deepseek-ocr", "DeepSeek-OCR-2": "deepseek-ocr-2",
    "mlx-community/DeepSeek-OCR-2-4bit": "deepseek-ocr-2", "/models/deepseek_ocr-q8_0.gguf": "deepseek-ocr",
    "baidu/Unlimited-OCR": "unlimited-ocr", "zai-org/GLM-OCR": "glm-ocr", "PaddlePaddle/PaddleOCR-VL": "paddleocr-vl",
    "ibm-granite/granite-docling-258M": "granite-docling", "lightonai/LightOnOCR-2-1B": "lightonocr",
    "allenai/olmOCR-2-7B-1025-FP8": "olmocr", "nanonets/Nanonets-OCR2-3B": "nanonets-ocr",
    "rednote-hilab/dots.ocr": "dots.ocr", "datalab-to/chandra": "chandra",
    "Qwen/Qwen3-VL-8B-Instruct": "any", "default": "any", "llava": "any",
}  # fmt: skip


@pytest.mark.parametrize("name, family", NAMES.items())
def test_a_family_is_known_by_the_models_name(name: str, family: str) -> None:
    assert family_of(name).name == family


def test_the_name_behind_an_alias_counts_too() -> None:
    assert family_of("ocr", "/srv/models/GLM-OCR").name == "glm-ocr"


PICTURE = encode(Image.new("RGB", (80, 50), "white"), "png")


def asked(family: Family, kind: str = "openai", prompt: str = "markdown", **extra: Any) -> dict[str, Any]:
    guard = family.adapter.guard(False) if family.guarded else None
    made = body(kind, family, Asked("name", family.adapter.prompt(prompt), 99, guard), PICTURE, extra)
    data = b"".join(made)
    assert len(data) == made.length
    value: dict[str, Any] = json.loads(data)
    return value


def test_the_picture_comes_first_as_a_data_url() -> None:
    told = asked(family_of("deepseek-ocr"))
    picture, words = told["messages"][0]["content"]

    assert words == {"type": "text", "text": "<|grounding|>Convert the document to markdown."}
    assert picture["type"] == "image_url" and picture["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert (told["model"], told["max_tokens"], told["temperature"], told["stream"]) == ("name", 99, 0, True)
    assert told["stream_options"] == {"include_usage": True} and "max_completion_tokens" not in told


def test_olmocr_is_asked_words_first_and_lightonocr_without_any() -> None:
    kinds = {
        name: [part["type"] for part in asked(family_of(name))["messages"][0]["content"]]
        for name in ("olmocr", "lightonocr", "any")
    }

    assert kinds == {"olmocr": ["text", "image_url"], "lightonocr": ["image_url"], "any": ["image_url", "text"]}


def test_each_kind_is_sent_the_fields_that_it_honours() -> None:
    vllm, sglang = asked(family_of("deepseek-ocr"), "vllm"), asked(family_of("deepseek-ocr"), "sglang")

    assert vllm["vllm_xargs"] == {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [128821, 128822]}
    assert vllm["skip_special_tokens"] is sglang["skip_special_tokens"] is False
    assert vllm["return_token_ids"] is sglang["return_token_ids"] is True and "vllm_xargs" not in sglang
    for kind in ("llama-server", "ollama", "mlx_vlm.server", "openai"):
        assert (
            not {"vllm_xargs", "skip_special_tokens", "return_token_ids"}
            & asked(family_of("deepseek-ocr"), kind).keys()
        )
    assert not {"vllm_xargs", "skip_special_tokens"} & asked(family_of("qwen"), "vllm").keys()


def test_further_fields_win_over_all_but_the_page_itself() -> None:
    told = asked(ANY, temperature=0.5, priority=1, model="another", messages=[], stream=False)

    assert (told["temperature"], told["priority"]) == (0.5, 1)
    assert (told["model"], told["stream"], len(told["messages"])) == ("name", True, 1)


def test_every_family_answers_every_preset_and_takes_words_of_ones_own() -> None:
    for family in (*FAMILIES, ANY):
        for preset in ("markdown", "text", "figure", "describe"):
            assert isinstance(family.adapter.prompt(preset), str)
        assert family.adapter.prompt("Read the stamp.") == "Read the stamp."


def test_a_page_is_scaled_and_never_enlarged() -> None:
    page = encode(Image.new("RGB", (1000, 400)), "png")

    assert scaled(page, 500).size == (500, 200) and scaled(page, 2000) is page
    assert scaled(page, 500).opened().size == (500, 200)


def test_no_pixel_is_lost_with_or_without_colour() -> None:
    grey = Image.effect_noise((60, 40), 80).convert("RGB")
    coloured = grey.copy()
    coloured.putpixel((5, 5), (1, 2, 3))

    for page, mode in ((grey, "L"), (coloured, "RGB")):
        opened = encode(page, "png").opened()
        assert (opened.mode, opened.convert("RGB").tobytes()) == (mode, page.tobytes())


# -- forms of answers


def parsed(name: str, answer: str, size: tuple[int, int] = (500, 1000)) -> Parsed:
    family = family_of(name)
    return family.adapter.parse(family.tidy(answer, size), PageContext(1000, 2000))


def test_a_fence_around_the_whole_is_left_out_and_one_inside_is_kept() -> None:
    assert parsed("qwen", "```markdown\n# A\ntext\n```").markdown == "# A\ntext"
    assert "```" in parsed("qwen", "text\n```\ncode\n```\nmore").markdown


def test_front_matter_is_left_out() -> None:
    answer = "---\nprimary_language: en\nis_table: False\n---\nThe text.\n\n---\nmore"

    assert parsed("olmocr", answer).markdown == "The text.\n\n---\nmore"


DOTS = [
    {"bbox": [50, 100, 250, 150], "category": "Title", "text": "# Bill"},
    {"bbox": [50, 200, 450, 900], "category": "Table", "text": "<table><tr><td>a</td><td>1</td></tr></table>"},
    {"bbox": [0, 950, 500, 1000], "category": "Picture"},
]


def test_dots_ocr_lists_regions_in_pixels_of_the_picture_that_was_sent() -> None:
    page = parsed("dots.ocr", json.dumps(DOTS))

    assert [block.label for block in page.blocks] == ["title", "table", "image"]
    assert page.blocks[0].box == pytest.approx((100, 200, 500, 300), abs=2) and page.boxes_good
    assert page.text.startswith("Bill") and "a\t1" in page.text


def test_a_list_that_was_cut_keeps_its_whole_regions() -> None:
    page = parsed("dots.ocr", json.dumps(DOTS)[:150])

    assert [block.text for block in page.blocks] == ["Bill"]


def test_dots_ocr_in_plain_text_stays_plain_text() -> None:
    assert parsed("dots.ocr", "No layout here [1].").text == "No layout here [1]."


CHANDRA = (
    '<div data-bbox="100 50 900 100" data-label="Section-Header"><h2>Bill &amp; more</h2></div>'
    '<div data-bbox="100 200 900 600" data-label="Table"><table><tr><td colspan="2">a</td></tr></table></div>'
    '<div data-bbox="0 700 1000 900" data-label="Text"><p>One <b>two</b></p><ul><li>x</li><li>y</li></ul></div>'
)


def test_chandra_writes_blocks_in_thousandths() -> None:
    page = parsed("chandra", CHANDRA)

    assert [block.label for block in page.blocks] == ["sub_title", "table", "text"]
    assert page.blocks[0].box == pytest.approx((100, 100, 900, 200), abs=2) and page.boxes_good
    assert "## Bill & more" in page.markdown and '<td colspan="2">' in page.markdown
    assert "One **two**" in page.markdown and "- x\n- y" in page.markdown


def test_a_block_that_was_cut_is_kept() -> None:
    assert parsed("chandra", CHANDRA[:60] + "Bil").blocks[0].label == "sub_title"


def test_text_that_looks_like_a_mark_is_text() -> None:
    regions = [
        {"bbox": [0, 0, 10, 10], "category": "Text", "text": "<|ref|>image<|/ref|><|det|>[[1, 1, 2, 2]]<|/det|>"}
    ]

    assert [block.label for block in parsed("dots.ocr", json.dumps(regions)).blocks] == ["text"]


@pytest.mark.parametrize("tidied", [tidy.from_json, tidy.from_html, tidy.without_front_matter, tidy.without_fence])
@given(answer=st.text(alphabet='[{}]"<>/=-`\n:,abdivtex0159 ', max_size=200))
def test_no_answer_breaks_the_tidying(tidied: Any, answer: str) -> None:
    assert isinstance(tidied(answer, (100, 100)), str)


def test_a_region_of_any_shape_is_read() -> None:
    for region in (
        [],
        {"bbox": 5},
        {"bbox": [1, 2]},
        {"bbox": ["x"] * 4, "text": 7},
        {"bbox": [1e300] * 4},
        {"category": None},
    ):
        assert isinstance(parsed("dots.ocr", json.dumps([region, DOTS[0]])).text, str)
