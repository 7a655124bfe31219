"""Whether the streams of a PDF decode to their ends: drawing instructions and pictures, from the bytes alone.

A checksum that is wrong or missing is no loss when every block is there; a stream that only stops is one. Where a
stream is drawn, and how large, is not known here.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

from dropscribe.documents import fax
from dropscribe.documents.image import jpeg, jpeg2000
from dropscribe.documents.loss import Loss
from dropscribe.documents.pdf import jbig2

_BLOCK = 1 << 20  # bytes that are inflated at a time
ENOUGH = 0.98  # of the bytes that a picture needs: a last row that is missing shows nothing
_MOST_BYTES = 1 << 31  # inflated; no picture within our limits has more
_SHORT_NAMES = {"/DCT": "/DCTDecode", "/CCF": "/CCITTFaxDecode", "/Fl": "/FlateDecode", "/A85": "/ASCII85Decode"}
_SHORT_NAMES |= {"/AHx": "/ASCIIHexDecode"}
_COMPONENTS = {"/DeviceRGB": 3, "/CalRGB": 3, "/Lab": 3, "/DeviceCMYK": 4}


@dataclass(frozen=True)
class _Inflated:
    """How a deflated stream ended, and how many bytes it gave."""

    loss: Loss
    length: int
    data: bytes  # where they were wanted


def content_loss(stream: pikepdf.Stream) -> Loss:
    """Return what of the drawing instructions in *stream* cannot be unpacked."""
    filters, _, loss = _peeled(stream)
    if filters and loss is Loss.NONE:
        try:
            stream.read_bytes()
        except Exception:  # qpdf and its binding raise many kinds
            return Loss.SOME
    return loss


def picture_loss(stream: pikepdf.Stream) -> Loss:
    """Return what of the picture in *stream* cannot be decoded; `NONE` for codings that are not known here."""
    filters, data, loss = _peeled(stream, keep=False)
    if not filters:
        return loss
    if len(filters) > 1:
        return Loss.NONE
    match filters[0]:
        case "/DCTDecode":
            return max(loss, jpeg.loss(data))
        case "/JPXDecode":
            return max(loss, jpeg2000.loss(data))
        case "/JBIG2Decode":
            return max(loss, jbig2.loss(data))
        case "/CCITTFaxDecode":
            return max(loss, fax.loss(_rows(stream, data)))
    return loss


def _filters(stream: pikepdf.Stream) -> list[str]:
    found = stream.get("/Filter")
    names = [str(each) for each in (found if isinstance(found, pikepdf.Array) else [found] if found else [])]
    return [_SHORT_NAMES.get(name, name) for name in names]


def _parameters(stream: pikepdf.Stream, index: int) -> pikepdf.Object | dict[str, int]:
    found = stream.get("/DecodeParms", stream.get("/DP"))
    if isinstance(found, pikepdf.Array):
        found = found[index] if index < len(found) else None
    return found if isinstance(found, pikepdf.Dictionary) else {}


def _peeled(stream: pikepdf.Stream, keep: bool = True) -> tuple[list[str], bytes, Loss]:
    """Return the filters left when text and deflate codings are taken off *stream*, the data then, and what they lack.

    Without *keep*, data that nothing is left to decode of are only counted, against what a picture needs.
    """
    filters, data, loss = _filters(stream), stream.read_raw_bytes(), Loss.NONE
    for index, name in enumerate(_filters(stream)):
        if name in ("/ASCII85Decode", "/ASCIIHexDecode"):
            data = _from_text(name, data)
        elif name == "/FlateDecode":
            last = index == len(_filters(stream)) - 1
            found = _inflated(data, keep=keep or not last)
            data = found.data
            loss = max(loss, found.loss)
            if last and not keep:
                wanted = _needed(stream, index)
                enough = wanted and found.length >= ENOUGH * wanted
                loss = min(loss, Loss.DOUBT) if enough else Loss.SOME if wanted else loss
        else:
            break
        filters = filters[1:]
    return filters, data, loss


def _from_text(name: str, data: bytes) -> bytes:
    data = data.split(b"~>" if name == "/ASCII85Decode" else b">")[0]
    try:
        if name == "/ASCII85Decode":
            return base64.a85decode(data.strip().removeprefix(b"<~"), ignorechars=b" \t\n\r\v\f\0")
        digits = b"".join(data.split())
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except ValueError:
        return b""  # what comes after will lack everything


def _inflated(data: bytes, keep: bool) -> _Inflated:
    """Inflate *data* behind its two bytes of zlib header, so that a wrong checksum ends nothing (RFC 1950)."""
    unpacker, parts, length, loss = zlib.decompressobj(-15), list[bytes](), 0, Loss.NONE
    checksum = 1
    data = data.lstrip(b"\r\n")
    rest = data[2:]
    try:
        while rest and not unpacker.eof and length < _MOST_BYTES:
            part = unpacker.decompress(rest, _BLOCK)
            length, checksum = length + len(part), zlib.adler32(part, checksum)
            if keep:
                parts.append(part)
            rest = unpacker.unconsumed_tail
    except zlib.error:
        loss = Loss.SOME
    if data and not unpacker.eof and length < _MOST_BYTES:  # an empty stream is one of nothing
        loss = Loss.SOME
    told = unpacker.unused_data[:4]
    if loss is Loss.NONE and len(told) == 4 and any(told) and told != checksum.to_bytes(4, "big"):
        loss = Loss.DOUBT
    return _Inflated(loss, length, b"".join(parts))


def _needed(stream: pikepdf.Stream, index: int) -> int:
    """Return how many bytes the picture in *stream* is made of; 0 where that is not to be known."""
    samples = _components(stream)
    bits = 1 if stream.get("/ImageMask") is True else int(stream.get("/BitsPerComponent", 0))
    predictor = int(_parameters(stream, index).get("/Predictor", 1))
    row = -(-int(stream.Width) * bits * samples // 8) + (predictor >= 10)
    return row * int(stream.Height)


def _components(stream: pikepdf.Stream) -> int:
    space = stream.get("/ColorSpace")
    if isinstance(space, pikepdf.Array) and len(space):
        if space[0] == pikepdf.Name.ICCBased:
            return int(space[1].get("/N", 1))
        if space[0] == pikepdf.Name.DeviceN:
            return len(space[1])
        space = space[0]
    return _COMPONENTS.get(str(space), 1)


def _rows(stream: pikepdf.Stream, data: bytes) -> fax.Rows:
    """Return the fax-coded picture in *stream* as its parameters describe it (ISO 32000-1, table 11)."""
    parameters = _parameters(stream, len(_filters(stream)) - 1)
    k = int(parameters.get("/K", 0))
    aligned = parameters.get("/EncodedByteAlign") is True
    compression = fax.T6 if k < 0 else fax.T4
    options = 0 if k < 0 else (1 if k > 0 else 0) | (4 if aligned else 0)
    width = int(parameters.get("/Columns", 1728))
    return fax.Rows(data, width, int(stream.Height), compression, options)


def forms(resources: pikepdf.Object | None, depth: int) -> Iterator[pikepdf.Stream]:
    """Yield the streams under /XObject in *resources*, forms and pictures, and those that the forms use."""
    found = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if not isinstance(found, pikepdf.Dictionary):
        return
    for item in found.values():
        if isinstance(item, pikepdf.Stream):
            yield item
            if depth and item.get("/Subtype") == pikepdf.Name.Form:
                yield from forms(item.get("/Resources"), depth - 1)
