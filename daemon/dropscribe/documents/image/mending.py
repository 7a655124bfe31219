"""What is odd about a picture file and costs no pixel, put right, so that a strict decoder takes it.

Asked only after a decoder has refused the file. Whether the pixels are all there is still for the decoder to say.
"""

from collections.abc import Iterator

from dropscribe.core import file_types
from dropscribe.documents.image import jpeg, png

# Chunks that pixels, colours and their place depend on (PNG 3rd edition, 11.2 and 11.3); text and the rest go.
_NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"pHYs"})
_USEFUL = frozenset({b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})  # where they are sound
_END_MARK = b"\xff\xd9"  # of a JPEG 2000 codestream


def mended(data: bytes, kind: str) -> bytes | None:
    """Return *data*, a file of that *kind* (a MIME type), without its oddities; None where there is nothing to do."""
    match kind:
        case file_types.PNG:
            repaired = png.SIGNATURE + b"".join(_kept_chunks(data)) + _chunk(png.END, b"")
            return repaired if repaired != data else None
        case file_types.JPEG:
            shorter = data[: len(data.rstrip(b"\0")) + 2]  # two may well belong to the picture, and do no harm
            return jpeg.with_end(shorter) if jpeg.with_end(data) else None
        case file_types.GIF:
            return data + b"\0;" if data[-1:] != b";" else None
        case file_types.JP2 | file_types.J2K:
            return data + _END_MARK if data[-2:] != _END_MARK else None
        case file_types.WEBP:
            padded = data + bytes(len(data) % 2)
            repaired = padded[:4] + (len(padded) - 8).to_bytes(4, "little") + padded[8:]
            return repaired if repaired != data else None
    return None


def _kept_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the chunks that matter, their checksums made to fit where the picture's own, within, is right."""
    chunks = list(png.chunks(data))
    whole = png.inflates(b"".join(body for kind, body, _ in chunks if kind == b"IDAT"))
    for kind, body, told in chunks:
        sound = told == png.checksum(kind, body)
        if kind in _NEEDED or (kind in _USEFUL and sound):
            right = sound or (whole and kind == b"IDAT")
            yield _chunk(kind, body) if right else _chunk(kind, body)[:-4] + told.ljust(4, b"\0")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + png.checksum(kind, body)
