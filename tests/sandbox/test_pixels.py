"""Decoding inside the sandbox: the very pixels and texts that come out without it, of every format and every corpus."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import Page
from dropscribe.documents.opening import open_document
from dropscribe.worker.decoder import Decoders
from support.corpus import CORPORA, corpus_entries
from support.image_files import FORMATS, encoded, save, written
from support.pdf_files import Maker, lines

MOST_PAGES = 4  # of a file of a corpus


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as found:
        yield found


def seen(page: Page) -> tuple[object, ...]:
    """Return all that is to be compared of a page."""
    pixels = hashlib.sha256(page.image.tobytes()).hexdigest()
    return page.number, page.image.size, pixels, page.text, page.blocks, page.dpi, page.rotation, page.flags, page.blank


def outside(path: Path) -> Iterator[object]:
    """Yield what the pages show, or the reason why there are none, decoded in this process."""
    try:
        with closing(open_document(str(path), Settings(), os.fsencode(path))) as document:
            for number, page in enumerate(document.pages(), start=1):
                yield seen(page)
                if number == MOST_PAGES:
                    return
    except ReasonedError as error:
        yield error.reason, error.detail


def inside(path: Path, decoders: Decoders) -> Iterator[object]:
    """Yield the same from a locked decoder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        document = decoders.start(descriptor, path.name, Settings())
    finally:
        os.close(descriptor)
    with closing(document):
        try:
            document.open(os.fsencode(path))
            for _ in range(min(document.count, MOST_PAGES)):
                yield seen(document.next_page(frozenset(), 0))
        except ReasonedError as error:
            yield error.reason, error.detail


def many() -> Iterator[tuple[str, bytes]]:
    """Yield the files of every format that tests can make."""
    for number, (format, how) in enumerate(FORMATS):
        yield f"{number}-{format}", save(written(), format, how)
    yield "frames", encoded(written(), "TIFF", save_all=True, append_images=[written("1", 1, 0)])
    yield "fax", encoded(Image.effect_noise((1000, 1000), 80).convert("1"), "TIFF", compression="group4")
    yield "empty.png", b"\x89PNG\r\n\x1a\n"
    pdf = Maker().page(lines("one", "two")).page("q 300 0 0 100 9 9 cm /P Do Q", pictures={"P": written()})
    yield "whole.pdf", pdf.bytes()


def test_every_format_comes_out_of_the_sandbox_as_it_does_without(tmp_path: Path, decoders: Decoders) -> None:
    for name, content in many():
        (tmp_path / name).write_bytes(content)

        assert list(inside(tmp_path / name, decoders)) == list(outside(tmp_path / name)), name


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_decoder_holds_its_file_its_connection_and_shared_memory_and_nothing_else(
    tmp_path: Path, decoders: Decoders
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(written(), "PNG"))
    descriptor = os.open(tmp_path / "a.png", os.O_RDONLY)
    document = decoders.start(descriptor, "a.png", Settings())
    os.close(descriptor)
    with closing(document):
        document.open(b"a.png")
        folder = f"/proc/{document.pid}/fd"
        held = [os.readlink(os.path.join(folder, number)) for number in sorted(os.listdir(folder), key=int)]

    assert held[:3] == [os.devnull] * 3
    assert sorted(name.partition(":")[0] for name in held[3:]) == sorted([str(tmp_path / "a.png"), "/memfd", "socket"])


@pytest.mark.slow
@pytest.mark.parametrize("entry", corpus_entries(), ids=lambda entry: entry["path"])
def test_every_file_of_the_corpora_does(entry: dict[str, str], decoders: Decoders) -> None:
    path = CORPORA / entry["path"]
    found = list(inside(path, decoders))
    if found and str(found[-1][0]) in ("decode-memory", "decode-timeout"):  # type: ignore[index]
        return  # bombs: outside nobody would end them

    assert found == list(outside(path))


DEGRADED = """
import os, sys
from support import locked_child
locked_child.deny(locked_child.LANDLOCK, locked_child.SECCOMP)
from contextlib import closing
from dropscribe.config import Settings
from dropscribe.worker.decoder import Decoders
with closing(Decoders()) as decoders, closing(decoders.start(os.open(sys.argv[1], 0), "a", Settings())) as document:
    document.open(b"a")
    print(document.next_page(frozenset(), 0).image.size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a sandbox of Linux")
def test_a_system_without_any_sandbox_decodes_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(written(), "PNG"))
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""), *sys.path])
    command = [sys.executable, "-c", DEGRADED, str(tmp_path / "a.png")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip() == "(240, 80)", done.stderr
