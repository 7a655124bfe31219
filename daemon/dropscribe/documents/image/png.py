"""The chunks of a PNG file and their checksums (PNG 3rd edition, 5 and 13). No picture is returned."""

import zlib
from collections.abc import Iterator

from dropscribe.documents.loss import Loss

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND"
_BLOCK = 1 << 20  # bytes that are inflated at a time


def loss(data: bytes) -> Loss:
    """Return what the picture lacks: Pillow asks for no checksum of its chunks, and stops before that within."""
    picture = [(body, told == checksum(kind, body)) for kind, body, told in chunks(data) if kind == b"IDAT"]
    sound = all(right for _, right in picture) or inflates(b"".join(body for body, _ in picture))
    return Loss.NONE if sound else Loss.SOME


def inflates(packed: bytes) -> bool:
    """Say whether *packed* is whole and its checksum fits."""
    unpacker = zlib.decompressobj()
    try:
        while packed and not unpacker.eof:
            unpacker.decompress(packed, _BLOCK)
            packed = unpacker.unconsumed_tail
    except zlib.error:
        return False
    return unpacker.eof


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield kind, body and checksum of each chunk before the end."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == END:
            return
        body = data[at + 8 : at + 8 + length]
        yield kind, body, data[at + 8 + length : at + 12 + length]
        at += 12 + length


def checksum(kind: bytes, body: bytes) -> bytes:
    """Return the checksum of a chunk."""
    return zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")
