"""A page is blank only when there is certainly nothing to read on it."""

import numpy as np
import pytest
from PIL import Image

from dropscribe.documents.blank import is_blank
from support.image_files import written


def noise(spread: int) -> Image.Image:
    values = np.random.default_rng(1).integers(128 - spread, 129 + spread, (300, 300, 3))
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize("colour", ["white", "black", "#7f3010"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 300), (1000, 700)])
def test_one_colour_is_blank(colour: str, size: tuple[int, int]) -> None:
    assert is_blank(Image.new("RGB", size, colour))


def test_slight_noise_is_blank_and_static_is_not() -> None:
    assert is_blank(noise(4))
    assert not is_blank(noise(120))


def test_a_wide_gradient_is_blank() -> None:
    assert is_blank(Image.linear_gradient("L").resize((900, 900)).convert("RGB"))


def test_a_gradient_with_a_word_on_it_is_not_blank() -> None:
    image = Image.linear_gradient("L").resize((240, 800)).convert("RGB")
    image.paste(written(), (0, 300))

    assert not is_blank(image)


@pytest.mark.parametrize("ink", ["black", "#ebebeb", "#ffe0ff", "#ff0000"])
def test_even_a_faint_word_is_ink(ink: str) -> None:
    assert not is_blank(written(ink=ink))


def test_a_word_that_differs_in_hue_alone_is_ink() -> None:
    assert not is_blank(written(ground=(255, 0, 0), ink=(0, 130, 0)))


@pytest.mark.parametrize("spot", [(0, 0), (999, 0), (0, 799), (999, 799), (500, 256), (500, 263)])
def test_a_single_point_anywhere_is_ink(spot: tuple[int, int]) -> None:
    image = Image.new("RGB", (1000, 800), "white")
    image.putpixel(spot, (0, 0, 0))

    assert not is_blank(image)
