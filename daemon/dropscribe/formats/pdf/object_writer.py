"""Streams of a PDF written to disk one by one, so that a document's pictures are never in memory together.

The result is a PDF without pages, which pikepdf opens and builds upon: it leaves the streams of its own file where
they are (those of other files it copies into memory; measured with 10.18). Knows nothing of pictures or pages.
"""

import zlib
from typing import IO

_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"  # four high bytes mark the file as binary for transfer programs
_CATALOG, _PAGES = 1, 2


class Spool:
    """A PDF file that is being written to *file*, from its start."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offsets: list[int] = []
        file.write(_HEADER)
        self._object(f"<< /Type /Catalog /Pages {_PAGES} 0 R >>".encode("ascii"))
        self._object(b"<< /Type /Pages /Kids [] /Count 0 >>")

    def add(self, entries: str, data: bytes) -> int:
        """Write a stream of *data* with the dictionary *entries* (PDF syntax); return its object number."""
        head = f"<< {entries} /Length {len(data)} >>\nstream\n".encode("ascii")
        return self._object(head, data, b"\nendstream")

    def add_compressed(self, entries: str, data: bytes) -> int:
        """Write a stream as `add` does, compressed."""
        return self.add(f"{entries} /Filter /FlateDecode", zlib.compress(data))

    def finish(self) -> None:
        """Write the table of objects; nothing can be added after."""
        start = self._file.tell()
        size = len(self._offsets) + 1
        self._file.write(f"xref\n0 {size}\n0000000000 65535 f \n".encode("ascii"))
        self._file.writelines(f"{offset:010d} 00000 n \n".encode("ascii") for offset in self._offsets)
        self._file.write(
            f"trailer\n<< /Size {size} /Root {_CATALOG} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
        )
        self._file.flush()

    def _object(self, *parts: bytes) -> int:
        self._offsets.append(self._file.tell())
        number = len(self._offsets)
        self._file.writelines([f"{number} 0 obj\n".encode("ascii"), *parts, b"\nendobj\n"])
        return number
