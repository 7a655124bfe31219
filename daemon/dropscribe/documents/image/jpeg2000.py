"""Whether a JPEG 2000 codestream is all there, by its own accounts: decoders show a coarser picture of what is left.

Reads the main header and the heads of the tile-parts (ISO/IEC 15444-1, annex A). Nothing is decoded.
"""

from dropscribe.documents.loss import Loss

_START, _TILE_PART, _DATA = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\x93"
_MOST_PARTS = 1_000_000


def loss(data: bytes) -> Loss:
    """Return what the codestream in *data* (a JP2 file or the bare stream) lacks of its tiles."""
    start = data.find(_START)
    if start < 0:
        return Loss.NONE  # a decoder will say what this is
    wanted, at, seen = _tiles(data, start + 4), _behind_header(data, start + 2), set[int]()
    for _ in range(_MOST_PARTS):
        if data[at : at + 2] != _TILE_PART:
            break
        seen.add(int.from_bytes(data[at + 4 : at + 6], "big"))
        length = int.from_bytes(data[at + 6 : at + 10], "big")
        if at + length > len(data):
            return Loss.SOME
        if length == 0:  # up to the end of the stream, wherever that is
            break
        at += length
    return Loss.SOME if len(seen) < wanted else Loss.NONE


def _tiles(data: bytes, at: int) -> int:
    """Return how many tiles the picture has, by its SIZ segment, whose length stands at *at*."""
    x, y, _, _, wide, high, left, top = (int.from_bytes(data[at + o : at + o + 4], "big") for o in range(4, 36, 4))
    return -(-(x - left) // wide) * -(-(y - top) // high) if wide and high else 0


def _behind_header(data: bytes, at: int) -> int:
    """Return where the first tile-part begins; *at* is the first segment of the main header."""
    while data[at : at + 1] == b"\xff" and data[at : at + 2] not in (_TILE_PART, _DATA):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at
