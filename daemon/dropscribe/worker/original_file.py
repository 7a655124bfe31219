"""The file of an order behind one descriptor: what is hashed, what is decoded and what was settled are one thing.

It is opened once, below the inbox's own folder and through no link, and compared with what was settled; everything
else concerns that descriptor. Whoever decodes is given the descriptor, never the path.
"""

import hashlib
import os

from dropscribe.core.errors import SHORTAGE, Reason, ReasonedError
from dropscribe.core.job import Order, Signature
from dropscribe.intake import opening
from dropscribe.worker.decoder import UnreadError

_PIECE = 1 << 20  # bytes


class OriginalFile:
    """A regular file, open for reading; raises `ReasonedError` when there is none, or not the one that was settled."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.descriptor = self._opened()
        found = os.fstat(self.descriptor)
        self.size = found.st_size
        self._seen = _content(found)
        if order.signature is not None and Signature.of(found) != order.signature:
            self.close()
            raise self._lost("Another file has taken its place.")

    def digest(self) -> str:
        """Return the SHA-256 of the content; the position of the descriptor, which others share, stays."""
        digest, place = hashlib.sha256(), 0
        while piece := os.pread(self.descriptor, _PIECE, place):
            digest.update(piece)
            place += len(piece)
        return digest.hexdigest()

    def require_unchanged(self) -> None:
        """Raise `ReasonedError` if the content was touched since the file was opened.

        The time of the last change of anything about it (ctime) is the system's own; the others can be set back.
        """
        if _content(os.fstat(self.descriptor)) != self._seen:
            raise self._lost("The file was changed while it was read.")

    def close(self) -> None:
        """Let the file go; may be called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _opened(self) -> int:
        try:
            if self._order.root:
                return opening.file(self._order.root, self._order.path)
            return opening.named_file(self._order.path)  # read by command
        except FileNotFoundError:
            raise self._lost("The file has vanished.") from None
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> ReasonedError:
        """Return what an error of opening means: a link or a pipe may have come in the place of what was settled."""
        what = f"The file cannot be read: {error.strerror}."
        if error.errno in SHORTAGE:
            return ReasonedError(Reason.ENGINE_UNAVAILABLE, what)
        settled = self._order.signature is not None and not isinstance(error, PermissionError)
        return self._lost(what) if settled else ReasonedError(Reason.UNREADABLE, what)

    def _lost(self, what: str) -> ReasonedError:
        """Return the error for a file that is not what was settled: the daemon finds out what became of it."""
        kind = ReasonedError if self._order.signature is None else UnreadError
        return kind(Reason.UNREADABLE, what)


def _content(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
