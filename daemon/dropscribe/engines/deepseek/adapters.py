"""What differs between OCR models: prompts, processor arguments, guard sizes, marks, and what may be batched.

One frozen row per `model_type` of a checkpoint; a model type without a row is refused, because a name from a checkpoint
must not choose which code is imported.

How far each is proven here: `deepseekocr` and `unlimited-ocr` read pages from checkpoints of the real structure with
small weights, the first one with the full-size vision tower too; of `deepseekocr_2` the real processor was run
(positions and prompt); `glm_ocr` and `paddleocr_vl` follow documents and mlx-vlm's source only. None has met its real
weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Arguments = Mapping[str, int | bool]

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

DEEPSEEK_PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "markdown": "<|grounding|>Convert the document to markdown.",
        "text": "Free OCR.",
        "figure": "Parse the figure.",
        "describe": "Describe this image in detail.",
    }
)
DEEPSEEK_MARKS = ("<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<td>", "</td>")


@dataclass(frozen=True)
class Adapter:
    """How one model type is asked and understood."""

    prompts: Mapping[str, str]
    marks: tuple[str, ...] = ()  # must each be one token
    cells: tuple[str, ...] = ("<td>", "</td>")  # exempt from the guard
    table_marks: tuple[str, ...] = ("<td>", "</td>", "<tr>", "</tr>")
    picture_guard: tuple[int, int] = (30, 90)  # n, window: DeepSeek's image script
    pdf_guard: tuple[int, int] = (20, 50)  # DeepSeek's PDF script
    modes: Mapping[str, Arguments] = field(default_factory=dict)  # empty: the model sizes pages by itself
    untiled: int = 0  # pixels; a page no larger is never tiled
    positions: int | None = None  # prompt and answer together, as the model was trained
    batches: bool = False  # pages may share a forward pass: plain caches, no position state of its own, and tried
    vision: tuple[str, ...] = ()  # parts that `engine.vision: float32` casts

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
        return words.replace("<image>", "").strip()  # the template sets the picture's place; a second one is refused


# The encoder of OCR-2 knows one size: only tiling can be chosen.
OCR2_MODES: Mapping[str, Arguments] = MappingProxyType(
    {mode: OCR2_TILED if mode == "gundam" else OCR2_WHOLE for mode in MODES}
)


def _everywhere(words: str) -> Mapping[str, str]:
    """Return a table for a model with one documented prompt."""
    return MappingProxyType(dict.fromkeys(DEEPSEEK_PROMPTS, words))


ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        "deepseekocr": Adapter(
            DEEPSEEK_PROMPTS, DEEPSEEK_MARKS, modes=MODES, positions=8192, batches=True,
            vision=("sam_model", "vision_model"),
        ),
        "deepseekocr_2": Adapter(
            DEEPSEEK_PROMPTS, DEEPSEEK_MARKS, picture_guard=(20, 90), modes=OCR2_MODES, untiled=OCR2_TILE,
            positions=8192, vision=("sam_model", "vision_model"),
        ),
        "unlimited-ocr": Adapter(
            _everywhere("document parsing."), ("<image>",), picture_guard=(35, 128), pdf_guard=(35, 1024), modes=MODES,
            vision=("sam_model", "vision_model"),
        ),
        "glm_ocr": Adapter(_everywhere("Text Recognition:")),
        "paddleocr_vl": Adapter(_everywhere("OCR:")),
    }
)  # fmt: skip
