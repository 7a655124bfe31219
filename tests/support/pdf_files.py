"""Small PDFs for the tests, written with pikepdf: pages of drawing instructions, fonts, pictures and forms."""

import io
import zlib
from typing import Any

import pikepdf
from PIL import Image

HELVETICA = {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica", "Encoding": "/WinAnsiEncoding"}


def dictionary(values: dict[str, Any]) -> pikepdf.Dictionary:
    named = {f"/{k}": pikepdf.Name(v) if isinstance(v, str) and v.startswith("/") else v for k, v in values.items()}
    return pikepdf.Dictionary(named)


def lines(*texts: str, size: int = 14, mode: int = 0, top: int = 700) -> str:
    """Return drawing instructions for lines of text in the font /F1."""
    shown = "\n".join(f"({text}) Tj 0 -{size * 2} Td" for text in texts)
    return f"BT /F1 {size} Tf {mode} Tr 72 {top} Td\n{shown}\nET\n"


class Maker:
    """Collects pages and writes the file."""

    def __init__(self) -> None:
        self.pdf = pikepdf.new()

    def page(
        self,
        drawing: str = "",
        box: tuple[float, float, float, float] = (0, 0, 612, 792),
        pictures: dict[str, Image.Image] | None = None,
        font: dict[str, Any] | None = None,
        **keys: Any,
    ) -> "Maker":
        drawn = {f"/{name}": self._picture(image) for name, image in (pictures or {}).items()}
        resources = pikepdf.Dictionary(
            Font=pikepdf.Dictionary(F1=dictionary(font or HELVETICA)), XObject=pikepdf.Dictionary(drawn)
        )
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=pikepdf.Array(box),
            Resources=resources,
            Contents=self.pdf.make_stream(drawing.encode("latin-1")),
        )
        for key, value in keys.items():
            page[f"/{key}"] = value
        self.pdf.pages.append(pikepdf.Page(self.pdf.make_indirect(page)))
        return self

    def _picture(self, image: Image.Image) -> pikepdf.Stream:
        stream = self.pdf.make_stream(zlib.compress(image.convert("L").tobytes()))
        _describe(stream, image)
        return stream

    def bytes(self, **how: Any) -> bytes:
        out = io.BytesIO()
        self.pdf.save(out, **how)
        return out.getvalue()


def _describe(stream: pikepdf.Stream, image: Image.Image) -> None:
    keys: dict[str, Any] = {
        "Type": pikepdf.Name.XObject,
        "Subtype": pikepdf.Name.Image,
        "Width": image.width,
        "Height": image.height,
        "ColorSpace": pikepdf.Name.DeviceGray,
        "BitsPerComponent": 8,
        "Filter": pikepdf.Name.FlateDecode,
    }
    for key, value in keys.items():
        stream[f"/{key}"] = value
