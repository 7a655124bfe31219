"""What is being published, in the private state folder: texts on their way to the outbox, and the manifests of that.

One folder for each claim. The worker renders into it; the outbox copies from it and makes the manifest durable, from
when on a crash leads to publishing and not to reading. Nothing that decides what is moved or removed lies in a folder
that others can write to; a manifest is looked at closely all the same.
"""

import os
import re
import shutil

import msgspec
from msgspec import Struct

from dropscribe.core.job import Signature
from dropscribe.files import durable, regular
from dropscribe.files.naming import HIDDEN

FOLDER, MANIFEST = "staged", b"manifest.json"
_SUFFIX = re.compile(r"\.[A-Za-z0-9.-]+")
_LONGEST = 10**7  # bytes of a manifest: a document may have thousands of figures


class Output(Struct, frozen=True, forbid_unknown_fields=True):
    """One file to be published: what follows the stem, its hidden name beside the final one, and its inode."""

    suffix: str
    hidden: bytes
    inode: int


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be published for one job, and what it was read from; *path* below the inbox, *stem* the outbox."""

    job: int
    outbox: bytes
    path: bytes
    signature: Signature
    stem: bytes
    outputs: tuple[Output, ...]
    seconds: float
    review: bool = False
    note: str = ""  # what `status` tells of it
    inbox: bytes = b""  # as the journal knows it; empty for the base's

    @property
    def names(self) -> tuple[bytes, ...]:
        """The final names, below the outbox."""
        return tuple(self.stem + output.suffix.encode() for output in self.outputs)


def folder_of(state: str) -> str:
    """Return the folder of all staging folders."""
    return os.path.join(state, FOLDER)


def new_folder(state: str, job: int, claim: int) -> str:
    """Return where the worker is to stage the files of one claim; it makes the folder, which no other claim has."""
    return os.path.join(folder_of(state), f"{job}-{claim}-{os.urandom(4).hex()}")


def rendered(staging: str, suffix: str) -> bytes:
    """Return where the worker has put the output with this suffix."""
    return os.path.join(os.fsencode(staging), b"out" + suffix.encode())


def write(staging: str, manifest: Manifest) -> None:
    """Make *manifest* durable; what was rendered is in the outbox then, under hidden names, and goes from here."""
    durable.write(os.path.join(os.fsencode(staging), MANIFEST), msgspec.json.encode(manifest))
    for output in manifest.outputs:
        os.unlink(rendered(staging, output.suffix))


def manifests(state: str) -> dict[str, Manifest]:
    """Return the manifests of interrupted publications by staging folder; sweep everything else that was staged."""
    found: dict[str, Manifest] = {}
    root = folder_of(state)
    for name in os.listdir(root) if os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        try:
            found[folder] = _manifest(os.path.join(os.fsencode(folder), MANIFEST))
        except (OSError, ValueError):
            sweep(folder)
    return found


def sweep(staging: str) -> None:
    """Remove a staging folder; never fails."""
    shutil.rmtree(staging, ignore_errors=True)


def sweep_job(state: str, job: int) -> None:
    """Remove what was staged for any claim of a job that is over."""
    root = folder_of(state)
    for name in os.listdir(root) if os.path.isdir(root) else []:
        if name.startswith(f"{job}-"):
            sweep(os.path.join(root, name))


def _manifest(path: bytes) -> Manifest:
    """Return the manifest at *path*; raise `ValueError` for one that we cannot have written."""
    with regular.opened(path) as handle:
        found = msgspec.json.decode(os.pread(handle, _LONGEST, 0), type=Manifest)
    names = (found.path, found.stem)
    if not os.path.isabs(found.outbox) or not all(map(_stays_below, names)):
        raise ValueError(path)
    for output in found.outputs:
        if not _SUFFIX.fullmatch(output.suffix) or not output.hidden.startswith(HIDDEN) or b"/" in output.hidden:
            raise ValueError(path)
    return found


def _stays_below(path: bytes) -> bool:
    """Say whether a relative path names something below where it starts."""
    return bool(path) and b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))
