"""What differs between OCR models: prompts, processor arguments, guard sizes, marks, the form of answers, batching.

One frozen row per `model_type` of a checkpoint; a model type without a row is refused, because a name from a checkpoint
must not choose which code is imported.

How far each is proven here. On checkpoints of the real structure with small weights, through mlx-vlm's own conversion,
loader, processor and generation, each row has read pages: a scripted answer came out whole and was taken apart, and
with random weights every page gave what it gives alone (`unlimited-ocr`: the scripted answer only). In the place of too
large vision towers, `deepseekocr` and `unlimited-ocr` had one pooling layer (the first has run with its full tower too)
and `deepseekocr_2` that and one thin layer as its second tower; of `glm_ocr`, `paddleocr_vl` and `idefics3` the model
code ran as it is. Chat templates and tokenizers were our own, of the kind that is published. None has met its real
weights, so how well one reads is not known; GLM-OCR and PaddleOCR-VL were trained on pieces of pages that a layout
model cuts out, which is not done here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from dropscribe.engines.vlm import resizing
from dropscribe.engines.vlm.parsers import doctags, grounding, markdown, otsl
from dropscribe.engines.vlm.parsers.values import Parser
from dropscribe.engines.vlm.resizing import Arguments

if TYPE_CHECKING:
    from PIL.Image import Image

MODES: Mapping[str, Arguments] = MappingProxyType(
    {
        "tiny": {"cropping": False, "base_size": 512, "image_size": 512},
        "small": {"cropping": False, "base_size": 640, "image_size": 640},
        "base": {"cropping": False, "base_size": 1024, "image_size": 1024},
        "large": {"cropping": False, "base_size": 1280, "image_size": 1280},
        "gundam": {"cropping": True, "base_size": 1024, "image_size": 640},
    }
)
OCR2_TILED: Arguments = {"cropping": True, "base_size": 1024, "image_size": 768, "min_patches": 2, "max_patches": 6}
OCR2_WHOLE: Arguments = {"cropping": False, "base_size": 1024, "image_size": 768}
OCR2_TILE = 768  # pixels; official code does not tile a page that fits into one, mlx-vlm 0.7.10 does

# Any prompt in one piece: mlx-vlm 0.7.10 gives the later pieces of PaddleOCR-VL's wrong positions.
AT_ONCE = 1 << 30

DEEPSEEK_PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "markdown": "<|grounding|>Convert the document to markdown.",
        "text": "Free OCR.",
        "figure": "Parse the figure.",
        "describe": "Describe this image in detail.",
    }
)
DEEPSEEK_MARKS = ("<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<td>", "</td>")
HTML_CELLS = ("<td>", "</td>")
HTML_TABLES = (*HTML_CELLS, "<tr>", "</tr>")


@dataclass(frozen=True)
class Adapter:
    """How one model type is asked and understood."""

    prompts: Mapping[str, str]
    marks: tuple[str, ...] = ()  # must each be one token
    parse: Parser = grounding.parse
    special: bool = True  # special tokens carry the layout; otherwise they are left out of the text
    picture: str = "<image>"  # where the template puts the page
    templated: bool = False  # the checkpoint's own chat template is needed
    files: tuple[str, ...] = ()  # one of these must be in the folder
    ends: tuple[str, ...] = ()  # tokens that end an answer beside the checkpoint's own
    cells: tuple[str, ...] = HTML_CELLS  # exempt from the guard
    table_marks: tuple[str, ...] = HTML_TABLES
    picture_guard: tuple[int, int] = (30, 90)  # n, window: DeepSeek's image script
    pdf_guard: tuple[int, int] = (20, 50)  # DeepSeek's PDF script
    modes: Mapping[str, Arguments] = field(default_factory=dict)  # empty: the model sizes pages by itself
    untiled: int = 0  # pixels; a page no larger is never tiled
    positions: int | None = None  # prompt and answer together, as the model was trained
    prefill: int = 2048  # positions of the prompt at once; mlx-vlm's default
    batches: bool = False  # pages may share a forward pass: plain caches, no position state of its own, and tried
    resized: "Callable[[Image, Arguments], Image] | None" = None  # a picture with its sizes ready
    vision: tuple[str, ...] = ()  # parts that `engine.vision_precision: float32` casts

    def arguments(self, mode: str, width: int, height: int) -> Arguments:
        """Return the processor arguments for *mode* and a page of that many pixels."""
        if max(width, height) <= self.untiled:
            mode = "base"
        return self.modes.get(mode, {})

    def guard(self, from_pdf: bool) -> tuple[int, int]:
        """Return n and window of the no-repeat guard."""
        return self.pdf_guard if from_pdf else self.picture_guard

    def prompt(self, setting: str) -> str:
        """Return the words for a preset, or *setting* itself where it is no preset."""
        words = self.prompts.get(setting, setting)
        # The template sets the picture's place; a second one is refused.
        return words.replace("<image>", "").replace(self.picture, "").strip()

    def same(self, one: tuple[str, str], other: tuple[str, str], width: int, height: int) -> bool:
        """Say whether two choices of mode and prompt ask the model the same of a page of that many pixels."""
        asked = [(self.arguments(mode, width, height), self.prompt(prompt)) for mode, prompt in (one, other)]
        return asked[0] == asked[1]


# The encoder of OCR-2 knows one size: only tiling can be chosen.
OCR2_MODES: Mapping[str, Arguments] = MappingProxyType(
    {mode: OCR2_TILED if mode == "gundam" else OCR2_WHOLE for mode in MODES}
)


def _everywhere(words: str, **others: str) -> Mapping[str, str]:
    """Return a table for a model with one documented prompt, or one and few *others*."""
    return MappingProxyType({**dict.fromkeys(DEEPSEEK_PROMPTS, words), **others})


ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        "deepseekocr": Adapter(
            DEEPSEEK_PROMPTS, DEEPSEEK_MARKS, modes=MODES, positions=8192, batches=True, resized=resizing.deepseekocr,
            vision=("sam_model", "vision_model"),
        ),
        "deepseekocr_2": Adapter(
            DEEPSEEK_PROMPTS, DEEPSEEK_MARKS, picture_guard=(20, 90), modes=OCR2_MODES, untiled=OCR2_TILE,
            positions=8192, batches=True, resized=resizing.deepseekocr_2, vision=("sam_model", "vision_model"),
        ),
        "unlimited-ocr": Adapter(
            _everywhere("document parsing."), ("<image>",), picture_guard=(35, 128), pdf_guard=(35, 1024), modes=MODES,
            vision=("sam_model", "vision_model"),
        ),
        # No guard is documented for the rest; DeepSeek's stands in.
        "glm_ocr": Adapter(
            _everywhere("Text Recognition:"), ("<|image|>",), parse=markdown.parse, special=False,
            picture="<|image|>", templated=True, vision=("vision_tower",),
        ),
        "paddleocr_vl": Adapter(
            _everywhere("OCR:", figure="Chart Recognition:"), ("<|IMAGE_START|>", "<|IMAGE_PLACEHOLDER|>"),
            parse=markdown.parse, special=False, picture="<|IMAGE_PLACEHOLDER|>", templated=True, prefill=AT_ONCE,
            cells=otsl.MARKS, table_marks=otsl.MARKS, vision=("visual",),
        ),
        # granite-docling. Other models of this type have no places, and are refused for it.
        "idefics3": Adapter(
            _everywhere("Convert this page to docling."), ("<image>", "<loc_0>", "<loc_500>"), parse=doctags.parse,
            templated=True, files=("preprocessor_config.json", "processor_config.json"), ends=("</doctag>",),
            cells=otsl.MARKS, table_marks=otsl.MARKS, positions=8192, batches=True,
            vision=("vision_model", "connector"),
        ),
    }
)  # fmt: skip
