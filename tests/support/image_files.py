"""Pictures with a word on them, for the tests, and reading them back through the front door."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from dropscribe.config import Settings, checked
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Page
from dropscribe.documents.opening import open_document
from support import heif_files

Colour = int | tuple[int, ...]


def written(mode: str = "RGB", ground: Colour | str = "white", ink: Colour | str = "black") -> Image.Image:
    """Return a picture of 240 x 80 pixels with a word in its upper left quarter."""
    image = Image.new(mode, (240, 80), ground)
    ImageDraw.Draw(image).text((8, 8), "Word", ink, ImageFont.load_default(24))
    return image


def encoded(image: Image.Image, format: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **how)
    return out.getvalue()


def intake(**keys: Any) -> Settings:
    """Return settings with these keys of the section `intake`."""
    return checked({"intake": keys}, "test")


def pages_of(folder: Path, content: bytes, name: str = "a.bin", settings: Settings | None = None) -> list[Page]:
    """Write *content* to a file and return all its pages."""
    path = folder / name
    path.write_bytes(content)
    document = open_document(str(path), settings or Settings())
    try:
        return list(document.pages())
    finally:
        document.close()


def contrast(page: Page) -> int:
    low, high = page.image.convert("L").getextrema()
    return int(high) - int(low)


def upper_left_is_darkest(image: Image.Image) -> bool:
    """Say whether most ink is where `written` puts it: proof that a page stands upright."""
    grey = image.convert("L")
    middle = (image.width // 2, image.height // 2)
    boxes = [(0, 0, *middle), (middle[0], 0, image.width, middle[1]), (0, middle[1], middle[0], image.height)]
    ink = [sum(255 - value for value in grey.crop(box).tobytes()) for box in boxes]
    return ink[0] > 2 * max(ink[1:])


FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "jpeg"}),
    ("TIFF", {"big_tiff": True}),
    ("WEBP", {}),
    ("GIF", {}),
    ("BMP", {}),
    ("ICO", {"sizes": [(240, 80)]}),
    ("AVIF", {}),
    ("HEIF", {}),
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
    ("PPM", {}),
    ("TGA", {}),
    ("PCX", {}),
    ("SGI", {}),
    ("QOI", {}),
]


def save(image: Image.Image, format: str, how: dict[str, Any]) -> bytes:
    """Return *image* as a file; as HEIC always the picture of `written`, for there is no encoder."""
    return heif_files.word() if format == "HEIF" else encoded(image, format, **how)


def reason_of(folder: Path, content: bytes, name: str = "a.bin", settings: Settings | None = None) -> Reason:
    with pytest.raises(ReasonedError) as caught:
        pages_of(folder, content, name, settings)
    return caught.value.reason
