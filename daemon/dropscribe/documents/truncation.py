"""Whether the end of a file is missing, judged by how its format says it must end.

Where a decoder fails, this tells a file that was cut off from one that is damaged; where a decoder would fill what is
missing with white and say nothing, it is asked first. Half a page must never pass for a whole one. Nothing is decoded.
"""

import mmap
import os
import re
from typing import BinaryIO, Literal

from dropscribe.core import file_types

_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"moof", b"free", b"skip", b"wide", b"uuid", b"idat"})
_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "})
TAIL_BYTES = 65536  # a PDF reader wants `startxref` in the last 1024; junk behind it is common
PADDING_BYTES = 512  # more is taken off before a PDF is opened
LINEARIZED_BYTES = 1024  # in which a PDF says that it is made for the web, and how long it is (ISO 32000-1, annex F)
_LINEARIZED = re.compile(rb"/Linearized[^>]*?/L\s+(\d+)")
HOLE_BYTES = 512  # NULs at the end: a download whose room was set aside before its bytes came
MAX_FRAMES = 10_000  # of a TIFF that are walked
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def cut_off(path: str, kind: str) -> bool:
    """Say whether the file of that *kind* (a MIME type) at *path* lacks its end; False where its format cannot tell."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if kind == file_types.PDF:
            return _lacks_trailer(file, size)
        if kind == file_types.WEBP:
            return _riff_overruns(file, size)
        if kind in (file_types.HEIC, file_types.HEIF, file_types.AVIF):
            return _last_box(file, size)[1] > size
        if kind == file_types.TIFF:
            return _directory_overruns(file, size, values=True)
        if kind == file_types.PSD:
            return _sections_overrun(file, size)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if kind == file_types.PNG:
                return data.rfind(b"IEND") < 0
            if kind == file_types.JPEG:
                return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
            if kind in (file_types.JP2, file_types.J2K):
                return data.rfind(b"\xff\xd9", max(0, size - TAIL_BYTES)) < 0
            if kind == file_types.GIF:
                return data[-1:] != b";"
    return False


def is_filled_up(path: str, kind: str) -> bool:
    """Say whether the end is missing and a decoder would not tell: where it paints something in place of it.

    The last bytes of a JPEG may be only the room that was set aside for them; libheif shows what has arrived.
    """
    boxed = kind in (file_types.HEIC, file_types.HEIF, file_types.AVIF)
    if boxed and cut_off(path, kind):
        return True
    size = os.path.getsize(path)
    if not (boxed or kind == file_types.JPEG) or size <= HOLE_BYTES:
        return False
    with open(path, "rb") as file:
        file.seek(-HOLE_BYTES, os.SEEK_END)
        if any(file.read()):
            return False
        kind_of_last, end = _last_box(file, size)
        return kind_of_last == b"mdat" and end >= size if boxed else cut_off(path, kind)


def lacks_frames(path: str) -> bool:
    """Say whether the chain of a TIFF's frames leads beyond the end of the file: readers take that for its end."""
    with open(path, "rb") as file:
        return _directory_overruns(file, os.fstat(file.fileno()).st_size, values=False)


def without_padding(path: str) -> str | bytes:
    """Return *path* itself, or the PDF's bytes where so many NULs follow that readers would not find its end."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        end = _padding_begins(file, size)
        if size - end < PADDING_BYTES:
            return path
        file.seek(0)
        return file.read(end)


def _padding_begins(file: BinaryIO, size: int) -> int:
    """Return where the NULs begin that a file ends with; its size where it ends otherwise."""
    at = size
    while at > 0:
        start = max(0, at - TAIL_BYTES)
        file.seek(start)
        found = len(file.read(at - start).rstrip(b"\0"))
        if found:
            return start + found
        at = start
    return 0


def _lacks_trailer(file: BinaryIO, size: int) -> bool:
    size = _padding_begins(file, size)
    file.seek(0)
    if (claimed := _LINEARIZED.search(file.read(LINEARIZED_BYTES))) and int(claimed[1]) > size:
        return True  # its first page has an end mark of its own
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    return b"startxref" not in tail and b"%%EOF" not in tail  # one of them is enough: PDFium mends the rest


def _last_box(file: BinaryIO, size: int) -> tuple[bytes, int]:
    """Walk the outer boxes of an ISO container (ISO/IEC 14496-12, 4.2); return the last one's type and its end."""
    at, kind = 0, b""
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - at  # to the end, wherever that is
        if length < 8 or header[4:8] not in _BOXES:
            break  # no box: damaged, which the decoder will say, or something that was put behind the picture
        kind, at = header[4:8], at + length
    return kind, at


def _riff_overruns(file: BinaryIO, size: int) -> bool:
    """Walk the chunks of a WebP file, whatever length it claims as a whole; the last may lack a byte of padding."""
    at = 12
    while at + 8 <= size:
        file.seek(at + 4)
        length = int.from_bytes(file.read(4), "little")
        file.seek(at)
        if file.read(4) not in _CHUNKS:
            return False  # something that was put behind the picture
        at += 8 + length + length % 2
    return at > size + 1


def _sections_overrun(file: BinaryIO, size: int) -> bool:
    """Walk the three sections of a Photoshop document before its picture (each led by its length)."""
    at = 26
    for _ in range(3):
        file.seek(at)
        at += 4 + int.from_bytes(file.read(4), "big")
    return at >= size


def _directory_overruns(file: BinaryIO, size: int, *, values: bool) -> bool:
    """Walk the directories of a TIFF's frames (TIFF 6.0, section 2) and see whether one lies beyond the end.

    With *values*, those that stand outside the directories count too.
    """
    header = file.read(16)
    order: Literal["little", "big"] = "little" if header[:2] == b"II" else "big"
    big = header[2:4] in (b"+\0", b"\0+")
    counter, entry, pointer = (8, 20, 8) if big else (2, 12, 4)
    at = int.from_bytes(header[8:16] if big else header[4:8], order)
    for _ in range(MAX_FRAMES):
        if at == 0:
            return False
        if at + counter > size:
            return True
        file.seek(at)
        length = entry * int.from_bytes(file.read(counter), order)
        if at + counter + length > size:
            return True
        entries = file.read(length)
        if values and any(_values_end(entries[e : e + entry], order) > size for e in range(0, length, entry)):
            return True
        at = int.from_bytes(file.read(pointer), order)
    return False


def _values_end(entry: bytes, order: Literal["little", "big"]) -> int:
    """Return where the values of a directory's *entry* end in the file; 0 for those that stand in the entry itself."""
    room = (len(entry) - 4) // 2  # for the count, and for the value or its place
    count = int.from_bytes(entry[4 : 4 + room], order)
    length = count * _TYPE_BYTES.get(int.from_bytes(entry[2:4], order), 0)
    return int.from_bytes(entry[4 + room :], order) + length if length > room else 0
