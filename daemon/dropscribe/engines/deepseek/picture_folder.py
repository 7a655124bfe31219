"""The private folder through which a page's picture reaches mlx-vlm, which takes paths.

It is readable by this user only, made when first needed and removed with `close`; each picture goes as soon as its
attempt has been prepared. The picture inside is the page's own: upright, RGB, nothing scaled.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

LEFT_BEHIND = 3600.0  # seconds without a change, after which nobody can be looking at a picture any more


class PictureFolder:
    """A folder of mode 0700 for pictures in passing."""

    def __init__(self, place: str | None = None) -> None:
        """Make the folder in *place*, which is made too; None: where the system keeps temporary files."""
        self._place = place
        self._folder: str | None = None
        self._count = 0

    @contextmanager
    def path(self, image: "Image") -> Iterator[str]:
        """Write *image* as a PNG file and give its path; the file is gone afterwards."""
        if self._folder is None or not os.path.isdir(self._folder):
            if self._place is not None:
                os.makedirs(self._place, mode=0o700, exist_ok=True)
                _sweep(self._place)
            self._folder = tempfile.mkdtemp(prefix="dropscribe-page-", dir=self._place)
        self._count += 1
        path = os.path.join(self._folder, f"{self._count}.png")
        try:
            # Level 1: the file lives for moments, and packing a big page tightly takes longer than reading it.
            (image if image.mode == "RGB" else image.convert("RGB")).save(path, "PNG", compress_level=1)
            yield path
        finally:
            if os.path.exists(path):
                os.unlink(path)

    def close(self) -> None:
        """Remove the folder; may be called twice."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _sweep(place: str) -> None:
    """Remove the folders that killed workers have left in *place*."""
    with os.scandir(place) as entries:
        for entry in entries:
            if time.time() - entry.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(entry.path, ignore_errors=True)
