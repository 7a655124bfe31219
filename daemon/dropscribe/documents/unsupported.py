"""In which coding a picture is stored that no decoder here knows: asked after a decoder failed, from the header alone.

Such a file is not damaged, and copying it again would not help. Nothing is decoded; an unknown number in a header is
no coding but damage.
"""

import io
import re
from typing import Any

from PIL import Image, TiffImagePlugin

from dropscribe.core import file_types

# TIFF tags, and the registered compressions (TIFF 6.0, its supplements and Adobe's list) that Pillow's libtiff lacks.
BITS, COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT = 258, 259, 262, 339
SUBFILE, SUB_DIRECTORIES, REDUCED = 254, 330, 1
_LACKING = {
    **dict.fromkeys((9, 10, 34661, 34663), "JBIG"),
    **dict.fromkeys((32895, 32896, 32897, 32898), "IT8 prepress"),
    **dict.fromkeys((33003, 33005, 34712), "JPEG 2000"),
    **dict.fromkeys((34718, 34719, 34720), "Microsoft Document Imaging"),
    **dict.fromkeys((32767, 32947, 34713, 65000, 65535), "a camera maker's own"),
    32766: "NeXT",
    32908: "Pixar film",
    32909: "Pixar log",
    34715: "JBIG2",
    34887: "LERC",
    34892: "lossy DNG",
    34926: "Zstandard",
    34933: "PNG",
    34934: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
# Those that a build of libtiff may have or lack: asked of it, by name in Pillow.
_OPTIONAL = {34925: ("LZMA", "lzma"), 50000: ("Zstandard", "zstd"), 50001: ("WebP", "webp"), 7: ("JPEG", "jpeg")}
_BIG = (b"+\0", b"\0+")  # BigTIFF
_FORMS = {3: "floating-point numbers", 5: "complex numbers", 6: "complex numbers"}

_FRAME = re.compile(rb"\xff+([\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xf7])..(.)", re.DOTALL)
_FRAMES = {
    **dict.fromkeys((0xC3, 0xCB), "lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical JPEG"),
    0xF7: "JPEG-LS",
}
_HEADER = 1 << 20  # bytes of a JPEG in which its frame is looked for: profiles and thumbnails come first

_PSD_MODES = {0: "bitmap", 1: "grey", 2: "indexed", 3: "RGB", 4: "CMYK", 7: "multichannel", 8: "duotone", 9: "Lab"}
_PSD_READ = {(0, 1), (1, 8), (2, 8), (3, 8), (4, 8), (7, 8), (8, 8), (9, 8)}


def unread(path: str, kind: str) -> str | None:
    """Return in a few words how the picture of *kind* (a MIME type) is coded, or None where that is not the matter."""
    ask = {file_types.TIFF: _tiff, file_types.JPEG: _jpeg, file_types.PSD: _psd}.get(kind)
    if ask is None:
        return None
    try:
        return ask(path)
    except Exception:  # the header itself is broken: that is damage
        return None


def is_raw(tags: Any) -> bool:
    """Say whether these *tags* of a TIFF's first frame are a raw camera file's: a preview, the picture hidden below."""
    return bool(tags.get(SUBFILE, 0) & REDUCED) and SUB_DIRECTORIES in tags


def _tiff(path: str) -> str | None:
    with open(path, "rb") as file:
        header = file.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(header + (file.read(8) if header[2:4] in _BIG else b""))
        file.seek(tags.next)
        tags.load(file)
    number = tags.get(COMPRESSION, 1)
    if number in _LACKING:
        return f"with {_LACKING[number]} compression"
    if number in _OPTIONAL and not _has_codec(_OPTIONAL[number][1]):
        return f"with {_OPTIONAL[number][0]} compression"
    if tags.get(PHOTOMETRIC) == 0 and tags.get(BITS) == (32,) and tags.get(SAMPLE_FORMAT, (1,))[0] != 3:
        return "in whole numbers of 32 bits that count down to black"
    return _odd_samples(tags.get(BITS, (1,)), tags.get(SAMPLE_FORMAT, (1,))[0])


def _has_codec(name: str) -> bool:
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "TIFF", compression=name)
    except Exception:  # it says only that it failed
        return False
    return True


def _odd_samples(bits: tuple[int, ...], form: int) -> str | None:
    """Return what is unusual about samples of so many *bits*, or None where they are of the usual kinds."""
    if not bits or not all(0 < count <= 64 for count in bits):
        return None
    if form in _FORMS and (form != 3 or len(bits) > 1 or bits[0] != 32):
        return f"in {_FORMS[form]} of {bits[0]} bits"
    if any(count not in (1, 2, 4, 8, 16, 32) for count in bits) or (len(bits) > 1 and max(bits) > 16):
        return f"in samples of {max(bits)} bits"
    return None


def _jpeg(path: str) -> str | None:
    with open(path, "rb") as file:
        head = file.read(_HEADER)
    at = 2
    while at < len(head) and head[at : at + 1] == b"\xff":
        if found := _FRAME.match(head, at):
            frame, bits = found[1][0], found[2][0]
            return f"as {_FRAMES[frame]}" if frame in _FRAMES else _bits(bits)
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _bits(count: int) -> str | None:
    return f"in samples of {count} bits" if 8 < count <= 16 else None


def _psd(path: str) -> str | None:
    with open(path, "rb") as file:
        header = file.read(26)
    depth, mode = int.from_bytes(header[22:24], "big"), int.from_bytes(header[24:26], "big")
    if mode in _PSD_MODES and depth in (1, 8, 16, 32) and (mode, depth) not in _PSD_READ:
        return f"in {_PSD_MODES[mode]} samples of {depth} bits"
    return None
