"""What is written from a file that was made to harm: bounded as its reading is, and in the staging folder only."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dropscribe.config import Settings
from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import Block, EngineInfo, PageText, Source
from dropscribe.documents import limits
from dropscribe.worker import outputs
from dropscribe.worker.decoder import Decoders, DocumentProcess
from dropscribe.worker.decoder_protocol import Collect, Render
from dropscribe.worker.faults import ProgramFault
from dropscribe.worker.page_cache import PageCache
from support import fakes, harmful

OTHER_BYTES = 256 << 20  # of memory that a decoder has before it begins
ENGINE = EngineInfo("rapidocr", "test", None, "1")


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with closing(Decoders()) as found:
        yield found


def read(decoders: Decoders, path: Path) -> tuple[DocumentProcess, PageCache]:
    """Return the decoder of a file of one page, and its text."""
    descriptor = os.open(path, os.O_RDONLY)
    document = decoders.start(descriptor, path.name, Settings())
    os.close(descriptor)
    document.open(os.fsencode(path))
    page = document.next_page(frozenset(), 1)
    kept = PageCache(str(path.parent / "kept"), path.name)
    figure = Block("image", "", (10, 10, 90, 70))
    kept.add(PageText(1, page.width, page.height, "word", "word", (Block("text", "word", (9, 9, 99, 40)), figure)))
    return document, kept


def write(document: DocumentProcess, kept: PageCache, staging: Path, *formats: str) -> tuple[str, ...]:
    """Write these formats, and figures."""
    staging.mkdir()
    request = Collect(Source("a", "", 1, document.media_type, 1), ENGINE, "2026-01-02", 0.0, False, False, True)
    return outputs.write(document, request, kept, str(staging), b"a", formats, with_figures=True)[0]


def test_outputs_are_complete_and_nothing_else_lies_beside_them(decoders: Decoders, tmp_path: Path) -> None:
    fakes.picture(tmp_path / "a.png")
    document, kept = read(decoders, tmp_path / "a.png")
    with closing(document):
        suffixes = write(document, kept, tmp_path / "staging", "txt", "json", "pdf")

    assert suffixes == (".p1-1.jpg", ".txt", ".json", ".pdf")
    assert sorted(os.listdir(tmp_path / "staging")) == sorted("out" + suffix for suffix in suffixes)
    assert (tmp_path / "staging/out.txt").read_text() == "word\n"
    assert (tmp_path / "staging/out.pdf").read_bytes().endswith(b"%%EOF\n")


def test_a_file_that_is_there_already_is_not_written_into(decoders: Decoders, tmp_path: Path) -> None:
    fakes.picture(tmp_path / "a.png")
    document, kept = read(decoders, tmp_path / "a.png")
    (tmp_path / "profile").write_text("mine")
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging/out.txt").symlink_to(tmp_path / "profile")
    with closing(document), pytest.raises(FileExistsError):
        outputs.write(
            document, Collect(Source("a", "", 1, "image/png", 1), ENGINE, "", 0.0, False, False, False), kept,
            str(tmp_path / "staging"), b"a", ("txt",), with_figures=False,
        )  # fmt: skip

    assert (tmp_path / "profile").read_text() == "mine"


def test_a_fault_of_ours_is_told_as_a_sentence_that_names_the_format_and_where_it_was_goes_to_the_log(
    decoders: Decoders, tmp_path: Path
) -> None:
    fakes.picture(tmp_path / "a.png")
    document, kept = read(decoders, tmp_path / "a.png")
    with closing(document), open(tmp_path / "out", "wb") as output:
        write(document, kept, tmp_path / "staging", "txt")
        with pytest.raises(ProgramFault) as raised:  # a module of formats that writes none
            document.render(Render("registry", b"a", ()), output.fileno())

    assert raised.value.detail == "The registry could not be written: a fault of this program (AttributeError)."
    assert raised.value.trace.startswith("AttributeError: module ")
    assert "at dropscribe.worker.decoding:" in raised.value.trace and raised.value.trace.endswith(" renderer")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_writing_a_pdf_is_bounded_like_reading_one(decoders: Decoders, tmp_path: Path) -> None:
    harmful.packed_object(tmp_path / "bomb.pdf")
    document, kept = read(decoders, tmp_path / "bomb.pdf")
    status = Path(f"/proc/{document.pid}/status")
    with closing(document):
        with suppress(ReasonedError):  # whether qpdf gives up or leaves the object out is its own affair
            write(document, kept, tmp_path / "staging", "pdf")
        told = status.read_text() if status.exists() else ""

    peak = re.search(r"VmHWM:\s+(\d+)", told)
    assert peak is None or int(peak[1]) << 10 < limits.MEMORY_FLOOR_BYTES + OTHER_BYTES
