"""Resizing pictures ahead, on a thread of its own, while the model computes: most of what preparing a page costs.

mlx-vlm's processors resize a picture and make arrays of it in one go, and arrays belong to the model's thread. So only
the resizing is done ahead, by the same calls; the processor finds each size ready, and what it does not find it makes
itself. Knows neither MLX nor the model.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from PIL.Image import Image

Arguments = Mapping[str, int | bool]
UNTILED = 640  # pixels; DeepSeek-OCR cuts no page into tiles that is not larger


class Remembering:
    """A picture that is resized once to each size; all else is the picture's own."""

    def __init__(self, image: "Image") -> None:
        self._image = image
        self.resize = functools.cache(image.resize)

    def __getattr__(self, name: str) -> Any:
        """Return what the picture itself has under *name*."""
        return getattr(self._image, name)


def deepseekocr(image: "Image", arguments: Arguments) -> "Image":
    """Return *image* with the sizes ready that DeepSeek-OCR's processor asks for with these *arguments*."""
    from mlx_vlm.models.deepseekocr.processing_deepseekocr import dynamic_preprocess
    from PIL import ImageOps

    picture, side = cast("Image", Remembering(image)), int(arguments["image_size"])
    if arguments["cropping"]:
        if max(image.size) > UNTILED:
            dynamic_preprocess(picture)
        side = int(arguments["base_size"])
    if side > UNTILED:
        ImageOps.pad(picture, (side, side))
    else:
        picture.resize((side, side))
    return picture


def deepseekocr_2(image: "Image", arguments: Arguments) -> "Image":
    """Return *image* with the sizes ready that DeepSeek-OCR-2's processor asks for with these *arguments*."""
    from mlx_vlm.models.deepseekocr_2.processing_deepseekocr import dynamic_preprocess
    from PIL import ImageOps

    picture, side = cast("Image", Remembering(image)), int(arguments["base_size"])
    ImageOps.pad(picture, (side, side))
    if arguments["cropping"]:
        fewest, most = int(arguments["min_patches"]), int(arguments["max_patches"])
        dynamic_preprocess(picture, fewest, most, int(arguments["image_size"]))
    return picture
