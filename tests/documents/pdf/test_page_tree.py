"""The pages of a PDF are those that are there, whatever its counts say; a lost one is flagged, not passed over."""

import re
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from dropscribe.core.errors import Reason
from dropscribe.core.pages import Page
from support.image_files import pages_of, reason_of
from support.pdf_files import Maker, lines

NAMES = ("one", "two", "three")


def three() -> pikepdf.Pdf:
    maker = Maker()
    for name in NAMES:
        maker.page(lines(f"page {name}"))
    return maker.pdf


def saved(pdf: pikepdf.Pdf) -> bytes:
    maker = Maker()
    maker.pdf = pdf
    return maker.bytes(object_stream_mode=pikepdf.ObjectStreamMode.disable)


def first(page: Page) -> str | None:
    return page.text.split()[-1] if page.text else None


def counted(count: int) -> bytes:
    return re.sub(rb"/Count 3", b"/Count %d" % count, saved(three()))


def kids(change: Callable[[list[bytes]], list[bytes]], count: int = 3) -> bytes:
    """Return three pages whose /Kids are changed; what is longer than before ruins the table of objects, too."""

    def anew(found: re.Match[bytes]) -> bytes:
        refs = re.findall(rb"\d+ 0 R", found[1])
        return b"/Kids [ " + b" ".join(change(refs)) + b" ]"

    return re.sub(rb"/Kids \[([^\]]*)\]", anew, counted(count))


def nested(counts: tuple[int, int]) -> bytes:
    pdf = three()
    pages = [page.obj for page in pdf.pages]
    nodes = []
    for count, below in zip(counts, (pages[:2], pages[2:]), strict=True):
        node = pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Pages, Kids=pikepdf.Array(below), Count=count, Parent=pdf.Root.Pages)
        )
        for page in below:
            page.Parent = node
        nodes.append(node)
    pdf.Root.Pages.Kids = pikepdf.Array(nodes)
    return saved(pdf)


WHOLE = {
    "a count too small": lambda: counted(1),
    "a count too large": lambda: counted(9),
    "a count far too large": lambda: counted(400),
    "no count": lambda: saved(three()).replace(b"/Count 3", b"/Kount 3"),
    "nothing between the pages": lambda: kids(lambda refs: [refs[0], b"null", *refs[1:]]),
    "a number between the pages": lambda: kids(lambda refs: [refs[0], b"17", *refs[1:]]),
    "counts of nodes that are wrong": lambda: nested((1, 2)),
}


@pytest.mark.parametrize("what", WHOLE)
def test_every_page_that_is_there_is_read_once(tmp_path: Path, what: str) -> None:
    pages = pages_of(tmp_path, WHOLE[what](), "a.pdf")

    assert [first(page) for page in pages] == list(NAMES)
    assert [page.flags for page in pages] == [()] * 3


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_page_that_is_counted_and_missing_is_flagged_and_the_others_are_read(tmp_path: Path, index: int) -> None:
    pages = pages_of(tmp_path, kids(lambda refs: [*refs[:index], b"99 0 R", *refs[index + 1 :]]), "a.pdf")

    assert [first(page) for page in pages] == [None if n == index else name for n, name in enumerate(NAMES)]
    assert [page.number for page in pages] == [1, 2, 3]
    assert ["partial" in page.flags for page in pages] == [n == index for n in range(3)]


def test_a_broken_page_is_flagged_and_a_document_of_broken_pages_is_damaged(tmp_path: Path) -> None:
    pdf = three()
    pdf.pages[1].MediaBox = pikepdf.Array([0, 0, 612, 2**31])
    pages = pages_of(tmp_path, saved(pdf), "a.pdf")

    assert [("partial" in page.flags, page.blank) for page in pages] == [(False, False), (True, True), (False, False)]
    for page in pdf.pages:
        page.MediaBox = pikepdf.Array([0, 0, 612, 2**31])
    assert reason_of(tmp_path, saved(pdf), "a.pdf") is Reason.DAMAGED


def test_broken_pages_at_the_beginning_come_first_and_pages_that_are_known_are_skipped(tmp_path: Path) -> None:
    pdf = three()
    for index in (0, 1):
        pdf.pages[index].MediaBox = pikepdf.Array([0, 0, 612, 2**31])

    assert [page.number for page in pages_of(tmp_path, saved(pdf), "a.pdf")] == [1, 2, 3]


def test_a_file_that_pdfium_cannot_open_is_written_anew(tmp_path: Path) -> None:
    whole = saved(three())
    broken = whole.replace(b"/Root ", b"/Rut   ", 1)
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(broken)
    try:
        pages = pages_of(tmp_path, broken, "a.pdf")
    except Exception as error:
        assert getattr(error, "reason", None) is Reason.DAMAGED
    else:
        assert [first(page) for page in pages] == list(NAMES)
