"""Whether a JBIG2 stream of a PDF holds all of its segments: decoders paint what is missing white.

Walks the heads of the segments (ITU-T T.88, 7.2). Nothing is decoded.
"""

from dropscribe.documents.loss import Loss

_REGIONS = frozenset({4, 6, 7, 20, 22, 23, 36, 38, 39, 40, 42, 43})  # types of segments that draw
_UNKNOWN = 0xFFFFFFFF  # a length that is told behind the data
_MOST_SEGMENTS = 1_000_000


def loss(data: bytes) -> Loss:
    """Return what the stream *data* lacks. Regions need not cover the page: a whole one that is gone is not noticed."""
    at, drawn = 0, False
    for _ in range(_MOST_SEGMENTS):
        if at >= len(data):
            break
        kind, start, length = _head(data, at)
        drawn |= kind in _REGIONS
        if length == _UNKNOWN:
            return Loss.NONE  # a single region, whose end only a decoder finds
        at = start + length
    return Loss.NONE if drawn and at <= len(data) else Loss.SOME


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the type of the segment at *at*, where its data begin, and their length."""
    number, flags, count = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 5], data[at + 5 : at + 6]
    if not flags or not count:
        return 0, len(data) + 1, 0  # the head itself is cut off
    refers, place = count[0] >> 5, at + 6
    if refers == 7:
        refers = int.from_bytes(data[at + 5 : at + 9], "big") & 0x1FFFFFFF
        place = at + 9 + (refers + 8) // 8
    place += refers * (1 if number <= 256 else 2 if number <= 65536 else 4)
    place += 4 if flags[0] & 0x40 else 1  # the page it belongs to
    return flags[0] & 63, place + 4, int.from_bytes(data[place : place + 4], "big")
