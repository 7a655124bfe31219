"""The process that makes pictures of pages for the browser: it asks a decoder for the pixels, scales and encodes them.

Bytes of strangers are decoded in the worker's decoder, a child of this process with the worker's limits (and its
sandbox); what arrives here are pixels. It lives apart from the server so that a large page costs that no memory.
"""

import io
import os
import signal
import socket
import sys
from contextlib import closing

from msgspec import Struct
from PIL import Image

from dropscribe.config import restored
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.framing import BrokenStream, Inbound, pack, receive
from dropscribe.files.places import Place
from dropscribe.web import job_files
from dropscribe.worker.decoder import Decoders
from dropscribe.worker.decoder_helper import die_with_parent

MOST_PIXELS = 5_000_000  # of a picture that a browser is given: an A4 page at 220 dpi
LONGEST_EDGE = 16_000  # pixels; WebP's own limit is 16,383
LOSSLESS = 600_000  # pixels of a picture that is small enough to be given as it is
QUALITY = 82  # of WebP, 0 to 100


class Show(Struct, tag=True, frozen=True):
    """Make the picture of a page of the file *path* below *root*, upright as its text was read."""

    root: bytes
    path: bytes
    page: int
    rotation: int  # clockwise turn, in degrees, that set the page upright
    settings: dict[str, object]


class Shown(Struct, tag=True, frozen=True):
    """The picture, as WebP, and how many pages the document has."""

    image: bytes
    pages: int


class Refused(Struct, tag=True, frozen=True):
    """There is no picture, for a reason."""

    reason: Reason
    detail: str


Answer = Shown | Refused


def serve(connection: socket.socket) -> None:
    """Answer until the server closes its end."""
    inbound: Inbound[Show] = Inbound(Show)
    with closing(connection), closing(Decoders()) as decoders:
        while (requests := receive(connection, inbound)) is not None:
            for request in requests:
                connection.sendall(pack(_answer(decoders, request)))


def _answer(decoders: Decoders, request: Show) -> Answer:
    """Make a picture; whatever goes wrong is an answer. The one broad handler: the edge of a document."""
    try:
        return _shown(decoders, request)
    except ReasonedError as error:
        return Refused(error.reason, error.detail)
    except job_files.Missing as error:
        return Refused(Reason.UNREADABLE, str(error))
    except MemoryError:
        return Refused(Reason.DECODE_MEMORY, "The page needs more memory than there is.")
    except Exception as error:
        return Refused(Reason.ENGINE_ERROR, f"{type(error).__name__}: {error}")


def _shown(decoders: Decoders, request: Show) -> Shown:
    descriptor = job_files.opened(Place(request.root, request.path))
    try:
        process = decoders.start(descriptor, "the file", restored(request.settings))
    finally:
        os.close(descriptor)
    with closing(process):
        process.open(request.path)
        if not 1 <= request.page <= process.count:
            raise ReasonedError(Reason.UNREADABLE, f"The document has {process.count} pages, and no {request.page}.")
        others = frozenset(range(1, process.count + 1)) - {request.page}
        page = process.next_page(others, 0)
        return Shown(_encoded(page.image, (request.rotation - page.rotation) % 360), process.count)


def _encoded(image: Image.Image, turn: int) -> bytes:
    """Return *image*, no larger than a browser can use, turned clockwise by *turn* degrees, as WebP."""
    width, height = image.size
    scale = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5, LONGEST_EDGE / max(width, height))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if turn:
        image = image.rotate(-turn, expand=True)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=2, lossless=image.width * image.height <= LOSSLESS)
    return file.getvalue()


def main() -> None:
    """Serve the connection whose descriptor is given."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    except (BrokenStream, ConnectionError):
        pass  # the server has gone


if __name__ == "__main__":
    main()
