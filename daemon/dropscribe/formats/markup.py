"""What hOCR and ALTO share: text fit for XML, and boxes in whole pixels. Writes no file."""

from xml.sax.saxutils import escape

from dropscribe.core.pages import Box, EngineInfo
from dropscribe.formats import plain


def text(value: str) -> str:
    """Return *value* fit for the content of an element or for an attribute in double quotes."""
    # Line breaks and tabs in an attribute would be read as blanks; as references they stay.
    return escape(plain.for_xml(value), {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def pixels(box: Box) -> tuple[int, int, int, int]:
    """Return *box* in whole pixels, at least one each way."""
    x0, y0 = int(box[0]), int(box[1])
    return x0, y0, max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)


def share(confidence: float | None) -> float | None:
    """Return *confidence* inside 0 to 1, or None when there is none."""
    if confidence is None or confidence != confidence:
        return None
    return min(max(confidence, 0.0), 1.0)


def engine_name(engine: EngineInfo) -> str:
    """Return the engine, its version and its model in a few words."""
    return " ".join(part for part in (engine.name, engine.version, engine.model) if part)
