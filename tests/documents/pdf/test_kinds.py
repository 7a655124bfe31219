"""PDFs whose pages are only a notice are refused in words that help; what is odd about sound ones does no harm."""

from pathlib import Path

import pikepdf
import pytest

from dropscribe.core.errors import Reason, ReasonedError
from support.image_files import pages_of, reason_of
from support.pdf_files import Maker, lines

WORDS = ("The quick brown fox", "jumps over the lazy dog.")


def refusal(folder: Path, content: bytes) -> ReasonedError:
    with pytest.raises(ReasonedError) as caught:
        pages_of(folder, content, "a.pdf")
    return caught.value


def form(rendering: bool, fields: bool) -> bytes:
    maker = Maker().page(lines("Please wait...", "Your viewer cannot show this document."))
    field = maker.pdf.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="name"))
    maker.pdf.Root.AcroForm = pikepdf.Dictionary(
        Fields=pikepdf.Array([field] if fields else []),
        XFA=maker.pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>"),
    )
    if rendering:
        maker.pdf.Root.NeedsRendering = True
    return maker.bytes()


@pytest.mark.parametrize(("rendering", "fields"), [(True, False), (True, True), (False, False)])
def test_a_form_that_only_acrobat_can_draw_is_unsupported(tmp_path: Path, rendering: bool, fields: bool) -> None:
    error = refusal(tmp_path, form(rendering, fields))

    assert error.reason is Reason.UNSUPPORTED
    assert "XFA" in error.detail and "print it to a PDF" in error.detail


def test_a_form_whose_pages_are_drawn_already_is_read(tmp_path: Path) -> None:
    assert len(pages_of(tmp_path, form(rendering=False, fields=True), "a.pdf")) == 1


def with_attachment(view: str | None) -> bytes:
    maker = Maker().page(lines(*WORDS))
    maker.pdf.attachments["invoice.pdf"] = pikepdf.AttachedFileSpec(maker.pdf, Maker().page().bytes())
    if view is not None:
        maker.pdf.Root.Collection = pikepdf.Dictionary(Type=pikepdf.Name.Collection, View=pikepdf.Name("/" + view))
    return maker.bytes()


@pytest.mark.parametrize("view", ["D", "T", "C"])
def test_a_portfolio_is_unsupported(tmp_path: Path, view: str) -> None:
    error = refusal(tmp_path, with_attachment(view))

    assert error.reason is Reason.UNSUPPORTED
    assert "one by one" in error.detail


@pytest.mark.parametrize("view", [None, "H"])
def test_a_document_with_an_attachment_is_read(tmp_path: Path, view: str | None) -> None:
    assert pages_of(tmp_path, with_attachment(view), "a.pdf")[0].text


def test_a_certificate_is_not_called_a_password(tmp_path: Path) -> None:
    maker = Maker().page(lines(*WORDS))
    content = maker.bytes(object_stream_mode=pikepdf.ObjectStreamMode.disable)
    lock = b"/Encrypt << /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 /Length 128 >> /Root "
    error = refusal(tmp_path, content.replace(b"/Root ", lock, 1))

    assert error.reason is Reason.ENCRYPTED
    assert "certificate" in error.detail and "password" not in error.detail


@pytest.mark.parametrize("count", [600, 70_000, 300_000])
def test_noughts_behind_the_end_do_no_harm(tmp_path: Path, count: int) -> None:
    assert pages_of(tmp_path, Maker().page(lines(*WORDS)).bytes() + bytes(count), "a.pdf")[0].text


@pytest.mark.parametrize("part", [0.5, 0.9])
def test_noughts_in_place_of_the_end_are_none(tmp_path: Path, part: float) -> None:
    whole = Maker().page(lines(*WORDS)).page(lines("two")).bytes()
    cut = whole[: int(len(whole) * part)]

    assert reason_of(tmp_path, cut + bytes(90_000), "a.pdf") is Reason.TRUNCATED


def test_a_pdf_made_for_the_web_and_cut_off_is_truncated_though_its_first_page_has_an_end(tmp_path: Path) -> None:
    maker = Maker()
    for number in range(9):
        maker.page(lines(*(f"page {number} line {line}" for line in range(40))))
    whole = maker.bytes(linearize=True)

    assert len(pages_of(tmp_path, whole, "a.pdf")) == 9
    assert reason_of(tmp_path, whole[: len(whole) * 2 // 3], "a.pdf") is Reason.TRUNCATED


@pytest.mark.parametrize("crop", [(1000, 1000, 1200, 1100), (-500, -500, -10, -10), (612, 0, 900, 792)])
def test_a_crop_outside_the_page_is_no_crop(tmp_path: Path, crop: tuple[int, ...]) -> None:
    [page] = pages_of(tmp_path, Maker().page(lines(*WORDS), CropBox=pikepdf.Array(crop)).bytes(), "a.pdf")

    assert (page.width, page.height) == (1700, 2200)
    assert page.text is not None and page.text.startswith(WORDS[0])
