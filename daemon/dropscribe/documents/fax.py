"""Whether all rows of a fax-coded picture (ITU-T T.4, T.6) decode, as files and PDFs hold them.

Decoders paint what is missing white and go on. OpenCV's libtiff says at which row it happened (15 ms for a page at
300 dots per inch), so the rows are handed to it in a TIFF made for them. No picture is returned.
"""

import re
import struct
from dataclasses import dataclass

import cv2
import numpy as np

from dropscribe.documents import native_messages
from dropscribe.documents.loss import Loss

ENOUGH = 0.98  # of the rows: writers claim round figures
_FAULT = re.compile(rb"(?:Bad code word|Premature EO[FL]|Uncompressed data|Buffer overrun)[^\n]*? at line (\d+)")
_WARNING_LEVEL = 3  # OpenCV's, at which it passes on what libtiff says
T4, T6 = 3, 4  # numbers of the compressions (TIFF 6.0, sections 10 and 11); 2 is T.4 without line ends
_SHORT, _LONG = 3, 4  # TIFF types


@dataclass(frozen=True)
class Rows:
    """Fax-coded rows: how many, how wide, and which of the codings (TIFF tags Compression, T4Options, FillOrder)."""

    data: bytes
    width: int
    height: int
    compression: int
    options: int = 0
    fill_order: int = 1


def loss(rows: Rows) -> Loss:
    """Return what of *rows* did not decode."""
    with native_messages.captured() as said:
        before = cv2.utils.logging.setLogLevel(_WARNING_LEVEL)
        try:
            cv2.imdecode(np.frombuffer(_tiff(rows), np.uint8), cv2.IMREAD_GRAYSCALE)
        except cv2.error:
            return Loss.NONE  # too large for it, not for others: nothing is known
        finally:
            cv2.utils.logging.setLogLevel(before)
        fault = _FAULT.search(said.read())
    if not fault or (rows.compression != T6 and int(fault[1]) == 0):
        return Loss.NONE  # T.4 has variants that this decoder cannot begin with
    return Loss.SOME if int(fault[1]) < ENOUGH * rows.height else Loss.NONE


def _tiff(rows: Rows) -> bytes:
    """Return a TIFF with *rows* as its only strip."""
    start = 8 + len(rows.data) + len(rows.data) % 2
    values = {
        256: (_LONG, rows.width),
        257: (_LONG, rows.height),
        258: (_SHORT, 1),
        259: (_SHORT, rows.compression),
        262: (_SHORT, 0),
        266: (_SHORT, rows.fill_order),
        273: (_LONG, 8),
        277: (_SHORT, 1),
        278: (_LONG, rows.height),
        279: (_LONG, len(rows.data)),
        292 if rows.compression != T6 else 293: (_LONG, rows.options),
    }
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(values.items()))
    head = b"II*\0" + struct.pack("<I", start) + rows.data.ljust(start - 8, b"\0")
    return head + struct.pack("<H", len(values)) + entries + bytes(4)
