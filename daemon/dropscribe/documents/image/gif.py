"""The size of a GIF, from the headers of its screen and of every frame. Nothing is decoded."""

import mmap

MAX_FRAMES = 10_000
_EXTENSION, _FRAME = b"!", b","


def extent(path: str) -> tuple[int, int]:
    """Return width and height of what all frames of the GIF at *path* cover, as far as they can be followed."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        wide, high = _number(data, 6), _number(data, 8)
        at, frames = 13 + _palette(data, 10), 0
        while frames < MAX_FRAMES and data[at : at + 1] in (_EXTENSION, _FRAME):
            if data[at : at + 1] == _EXTENSION:
                at = _behind_blocks(data, at + 2)
                continue
            wide = max(wide, _number(data, at + 1) + _number(data, at + 5))
            high = max(high, _number(data, at + 3) + _number(data, at + 7))
            frames += 1
            at = _behind_blocks(data, at + 11 + _palette(data, at + 9))
    return wide, high


def _number(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _palette(data: mmap.mmap, at: int) -> int:
    """Return the bytes of the palette that the flags at *at* announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(data: mmap.mmap, at: int) -> int:
    """Return where the blocks beginning at *at*, each led by its length, have ended."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
