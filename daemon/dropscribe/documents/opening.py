"""From a file to its pages, in the worker: everything that touches bytes from strangers.

`open_document` looks at the content, never at the name alone, checks the limits before memory is spent, and
returns pages one at a time. All faults are `ReasonedError`s of the file kind.
"""

import os
from collections.abc import Iterator
from typing import Protocol

from dropscribe.config import Settings
from dropscribe.core.pages import Hidden, Page


class Document(Protocol):
    """An opened file."""

    media_type: str
    count: int  # pages

    def pages(self, skip: frozenset[int] = frozenset()) -> Iterator[Page]:
        """Yield the pages in order, except those numbered in *skip*, each decoded when it is asked for."""

    def hidden(self, number: int) -> Hidden:
        """Return what text of page *number* is drawn as text and cannot be seen."""

    def close(self) -> None:
        """Let go of the file; may be called twice."""


def open_document(path: str, settings: Settings, name: bytes | None = None) -> Document:
    """Return the document in the file at *path*, which people call *name*; raise `ReasonedError` when it is none."""
    from dropscribe.core import file_types
    from dropscribe.documents import limits
    from dropscribe.documents.image.document import PictureDocument
    from dropscribe.documents.pdf.document import PdfDocument

    limits.check_size(path, settings)
    try:
        with open(path, "rb") as file:
            head = file.read(file_types.HEAD)
    except OSError as error:
        raise limits.unreadable(error) from None
    kind = file_types.media_type(head)
    if kind is None:
        raise file_types.refusal(head, name if name is not None else os.fsencode(path))
    if kind == file_types.PDF:
        return PdfDocument(path, settings)
    return PictureDocument(path, kind, settings)
