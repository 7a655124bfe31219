"""Free space on the disks that Dropscribe writes to."""

import os
import shutil
from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.doctor.values import Check, fault, ok, warning
from dropscribe.memory.policy import size

LITTLE, TOO_LITTLE = 2 * 10**9, 200 * 10**6  # bytes: text is small, but originals are copied and journals grow


def all_of(settings: Settings, download_bytes: int) -> Iterator[Check]:
    """Check each disk once; *download_bytes* will still be written to the disk of the model cache."""
    folders = settings.folders
    disks: dict[int, list[str]] = {}
    for path in (folders.outbox, folders.archive, folders.failed, folders.state, settings.log.folder):
        disks.setdefault(os.stat(existing(path)).st_dev, []).append(path)
    for paths in disks.values():
        yield room("disk", paths[0], shutil.disk_usage(existing(paths[0])).free, 0)
    if download_bytes:
        from huggingface_hub import constants

        cache = constants.HF_HUB_CACHE
        yield room("disk for the model", cache, shutil.disk_usage(existing(cache)).free, download_bytes)


def existing(path: str) -> str:
    """Return *path*, or the nearest folder above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def room(name: str, path: str, free: int, download_bytes: int) -> Check:
    """Judge the *free* bytes on the disk of *path*, of which a download needs its share."""
    text = f"{size(free)} free on the disk of {path}"
    if free - download_bytes < TOO_LITTLE:
        more = f", and the model needs {size(download_bytes)}" if download_bytes else ""
        return fault(name, text + more, "free some space; files stay queued until then")
    if free - download_bytes < LITTLE:
        return warning(name, text, "free some space soon")
    return ok(name, text)
