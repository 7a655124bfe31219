"""PDFs made from PDFs: pages stay as they are, words fall where they were read."""

import warnings
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import ImageChops, ImageOps

from dropscribe.core.pages import Block
from dropscribe.formats.pdf import render as pdf_format
from support.result_pdfs import drawn
from support.results import page_text, reading_of

SCALE = 2
INK = (150.0, 200.0, 250.0, 230.0)  # the black bar on every page, in user space
DRAW_BAR = b"0.7 0 0 0.7 30 40 cm 0 g 171.42857 228.57143 142.85714 42.85714 re f"  # leaves its scale behind


def original(path, rotate=0, crop=None, media=(0, 0, 400, 500), pages=1, inherited=True):
    """Write a PDF of some pages, each with one black bar; boxes and rotation are given by the page tree."""
    with pikepdf.Pdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(400, 500))
        for page in pdf.pages:
            page.obj.Contents = pdf.make_stream(DRAW_BAR)
            del page.obj["/MediaBox"]
            place = pdf.Root.Pages if inherited else page.obj
            place.MediaBox, place.Rotate = pikepdf.Array(media), rotate
            if crop:
                place.CropBox = pikepdf.Array(crop)
        pdf.save(path)
    return str(path)


def picture(path, number=0, turn=0):
    with pypdfium2.PdfDocument(path) as document:
        return document[number].render(scale=SCALE).to_pil().convert("RGB").rotate(-turn, expand=True)


def read(path, turn=0, number=1, text="bar", **more):
    """Return the text of a page whose bar was read, found in its pixels as an engine finds it."""
    image = picture(path, number - 1, turn)
    box = ImageOps.invert(image.convert("L")).getbbox()
    return page_text(
        number, text, [Block("text", text, box)], width=image.width, height=image.height, rotation=turn, **more
    )


def rendered(folder, path, texts):
    out = str(folder / "out.pdf")
    pdf_format.render(reading_of(texts, [picture(path, t.number - 1) for t in texts], path, "application/pdf"), out)
    with pikepdf.Pdf.open(out) as pdf, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says that no decoder of JBIG2 is installed
        assert pdf.check_pdf_syntax() == []
    return out


@pytest.mark.parametrize("inherited", [True, False])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (100, 150, 390, 480), (-50, 150, 900, 480)])
@pytest.mark.parametrize("rotate", [0, 90, 180, -90])
def test_words_lie_on_the_ink_however_the_page_is_turned_and_cut(tmp_path, rotate, crop, turn, inherited):
    path = original(tmp_path / "in.pdf", rotate, crop, (-20, 10, 380, 510), inherited=inherited)
    out = rendered(tmp_path, path, [read(path, turn)])

    with pypdfium2.PdfDocument(out) as document:
        page = document[0].get_textpage()
        boxes = [page.get_charbox(index) for index in range(3)]
        text = page.get_text_bounded()
    assert text.strip() == "bar"
    assert [min(b[0] for b in boxes), min(b[1] for b in boxes)] == pytest.approx(INK[:2], abs=2)
    assert [max(b[2] for b in boxes), max(b[3] for b in boxes)] == pytest.approx(INK[2:], abs=2)


@pytest.mark.parametrize("turn", [0, 90])
def test_the_page_looks_as_it_did_and_stands_as_it_was_read(tmp_path, turn):
    path = original(tmp_path / "in.pdf", 270, (100, 150, 390, 480))
    out = rendered(tmp_path, path, [read(path, turn)])

    assert ImageChops.difference(picture(out), picture(path, turn=turn)).getbbox() is None


def test_pages_with_their_own_text_stay_as_they_are(tmp_path):
    path = original(tmp_path / "in.pdf", pages=3)
    texts = [read(path), read(path, number=2, text_source="pdf"), read(path, number=3, text="last")]
    out = rendered(tmp_path, path, texts)

    with pikepdf.Pdf.open(path) as before, pikepdf.Pdf.open(out) as after:
        assert after.pages[1].Contents.read_bytes() == before.pages[1].Contents.read_bytes()
        assert "/Resources" not in after.pages[1] or "/Font" not in after.pages[1].Resources
    with pypdfium2.PdfDocument(out) as document:
        assert [page.get_textpage().get_text_bounded().strip() for page in document] == ["bar", "", "last"]


def test_fonts_of_the_page_are_kept_and_shared_ones_not_changed(tmp_path):
    path = original(tmp_path / "in.pdf", pages=2)
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        shared = pdf.make_indirect(pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font)))
        for page in pdf.pages:
            page.obj.Resources = shared
            page.contents_add(b"BT /F1 12 Tf 20 20 Td (own words) Tj ET")
        pdf.save()
    out = rendered(tmp_path, path, [read(path), page_text(2, text_source="pdf")])

    with pypdfium2.PdfDocument(out) as document:
        assert "own words" in document[0].get_textpage().get_text_bounded()
    with pikepdf.Pdf.open(out) as pdf:
        assert sorted(pdf.pages[0].Resources.Font.keys()) == ["/DropscribeText", "/F1"]
        assert list(pdf.pages[1].Resources.Font.keys()) == ["/F1"]


OLD_LAYERS = {
    "plain": b"BT 3 Tr /F1 12 Tf 1 0 0 1 20 20 Tm (old) Tj [(wo) -20 (rds)] TJ 0 Tr ET",
    "mode kept from before": b"q 3 Tr BT /F1 12 Tf 20 20 Td (old) Tj T* (words) ' ET Q",
    "two objects": b"BT 3 Tr /F1 12 Tf 20 20 Td (old) Tj ET BT 20 40 Td (words) Tj ET 0 Tr",
}


@pytest.mark.parametrize("what", OLD_LAYERS)
def test_an_older_invisible_layer_gives_way_and_what_can_be_seen_stays(tmp_path, what):
    path = original(tmp_path / "in.pdf")
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        pdf.pages[0].contents_add(OLD_LAYERS[what] + b" BT /F1 12 Tf 20 80 Td (seen) Tj ET")
        pdf.save()
    out = rendered(tmp_path, path, [read(path)])

    with pypdfium2.PdfDocument(out) as document:
        assert sorted(document[0].get_textpage().get_text_bounded().split()) == ["bar", "seen"]
    assert ImageChops.difference(picture(out), picture(path)).getbbox() is None


SCAN = b"q 400 0 0 500 0 0 cm /Scan Do Q"
HIDDEN = {
    "a mode that is no whole number": (b"BT 3.0 Tr /F1 12 Tf 20 20 Td (old) Tj 0 Tr ET", b""),
    "a mode with a nought before it": (b"BT 03 Tr /F1 12 Tf 20 20 Td (old) Tj 0 Tr ET", b""),
    "ink that lets everything through": (b"q /Clear gs BT /F1 12 Tf 20 20 Td (old) Tj ET Q", b""),
    "a form": (b"/Fm Do", b"BT 3 Tr /F1 12 Tf 20 20 Td (old) Tj ET"),
    "a form within a form": (b"q /Out Do Q", b"BT 3 Tr /F1 12 Tf 20 20 Td (old) Tj ET"),
    "a form in a mode that is set outside": (b"q 3 Tr /Fm Do Q", b"BT /F1 12 Tf 20 20 Td (old) Tj ET"),
    "under the scan": (b"BT /F1 12 Tf 20 20 Td (old) Tj ET " + SCAN, b""),
    "a form under the scan": (b"/Fm Do " + SCAN, b"BT /F1 12 Tf 20 20 Td (old) Tj ET"),
    "before something seen, on lines of its own": (b"BT /F1 12 Tf 3 Tr 20 20 Td (old) Tj T* (old) Tj 0 Tr ET", b""),
    "signs that show on a new line": (b"BT /F1 12 Tf 14 TL 3 Tr 20 60 Td (old) ' 1 2 (old) \" 0 Tr ET", b""),
}


def with_old_layer(path, drawing, form, seen=b"BT /F1 12 Tf 20 80 Td (seen) Tj ET"):
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        fonts = pikepdf.Dictionary(F1=font)
        kind = {"Type": pikepdf.Name.XObject, "Subtype": pikepdf.Name.Form, "BBox": pikepdf.Array([0, 0, 400, 500])}
        inner = pdf.make_indirect(pikepdf.Stream(pdf, form, Resources=pikepdf.Dictionary(Font=fonts), **kind))
        outer_resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm=inner))
        outer = pdf.make_indirect(pikepdf.Stream(pdf, b"/Fm Do", Resources=outer_resources, **kind))
        grey = bytes([200]) * 20
        scan = pikepdf.Stream(pdf, grey, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=4, Height=5)
        scan.ColorSpace, scan.BitsPerComponent = pikepdf.Name.DeviceGray, 8
        for page in pdf.pages:
            page.obj.Resources = pikepdf.Dictionary(
                Font=fonts,
                XObject=pikepdf.Dictionary(Fm=inner, Out=outer, Scan=scan),
                ExtGState=pikepdf.Dictionary(Clear=pikepdf.Dictionary(ca=0)),
            )
            page.obj.Contents = pdf.make_stream(drawing + b" " + DRAW_BAR + b" Q " + seen)
        pdf.save()


def said(path, number=0):
    with pypdfium2.PdfDocument(path) as document:
        return document[number].get_textpage().get_text_bounded().split()


@pytest.mark.parametrize("what", HIDDEN)
def test_every_kind_of_hidden_layer_gives_way(tmp_path, what):
    path = original(tmp_path / "in.pdf")
    with_old_layer(path, b"q " + HIDDEN[what][0], HIDDEN[what][1])
    assert "old" in said(path)
    text = page_text(1, "new", [Block("text", "new", (20, 20, 200, 60))], width=400, height=500)
    out = rendered(tmp_path, path, [text])

    assert sorted(said(out)) == ["new", "seen"]
    assert ImageChops.difference(picture(out), picture(path)).getbbox() is None


def test_a_form_that_another_page_draws_is_left_to_that(tmp_path):
    path = original(tmp_path / "in.pdf", pages=2)
    with_old_layer(path, b"q /Fm Do", b"BT 3 Tr /F1 12 Tf 20 20 Td (old) Tj ET")
    text = page_text(1, "new", [Block("text", "new", (20, 20, 200, 60))], width=400, height=500)
    out = rendered(tmp_path, path, [text, page_text(2, text_source="pdf")])

    assert (sorted(said(out)), sorted(said(out, 1))) == (["new", "seen"], ["old", "seen"])


def test_letters_through_which_a_picture_is_seen_stay(tmp_path):
    path = original(tmp_path / "in.pdf")
    with_old_layer(path, b"q BT 7 Tr /F1 90 Tf 20 200 Td (AB) Tj ET " + SCAN + b" Q q", b"")
    text = page_text(1, "new", [Block("text", "new", (20, 20, 200, 60))], width=400, height=500)
    out = rendered(tmp_path, path, [text])

    assert ImageChops.difference(picture(out), picture(path)).getbbox() is None


def test_a_form_in_which_something_is_seen_keeps_that(tmp_path):
    path = original(tmp_path / "in.pdf")
    form = b"BT 3 Tr /F1 12 Tf 20 20 Td (old) Tj 0 Tr 20 40 Td (kept) Tj ET"
    with_old_layer(path, b"q /Fm Do", form)
    text = page_text(1, "new", [Block("text", "new", (20, 20, 200, 60))], width=400, height=500)

    assert sorted(said(rendered(tmp_path, path, [text]))) == ["kept", "new", "seen"]


def test_words_under_the_scan_are_not_taken_for_words_that_can_be_seen(tmp_path):
    path = original(tmp_path / "in.pdf")
    with_old_layer(path, b"q BT /F1 12 Tf 20 440 Td (same) Tj ET " + SCAN, b"", seen=b"")
    text = page_text(1, "same", [Block("text", "same", (18, 46, 60, 64))], width=400, height=500)

    assert said(rendered(tmp_path, path, [text])) == ["same"]


def test_a_document_without_a_layer_is_the_very_file(tmp_path):
    path = original(tmp_path / "in.pdf", pages=2)
    out = rendered(tmp_path, path, [page_text(1, "own words", text_source="pdf"), page_text(2, text_source="ocr")])

    assert Path(path).read_bytes() == Path(out).read_bytes()


def test_a_crop_outside_the_page_is_none_in_the_result_either(tmp_path):
    path = original(tmp_path / "in.pdf", crop=(1000, 1000, 1200, 1100))
    out = str(tmp_path / "out.pdf")
    texts = [page_text(1, "own words", text_source="pdf")]
    pdf_format.render(reading_of(texts, [drawn()], path, "application/pdf"), out)

    with pypdfium2.PdfDocument(out) as document:
        assert document[0].get_size() == (400, 500)


def test_a_document_that_readers_see_differently_is_written_anew_though_no_page_gets_a_layer(tmp_path):
    path = original(tmp_path / "in.pdf", pages=3)
    content = Path(path).read_bytes()
    assert content.count(b"/Count 3") == 1
    Path(path).write_bytes(content.replace(b"/Count 3", b"/Count 1"))
    out = str(tmp_path / "out.pdf")
    texts = [page_text(n, "own words", text_source="pdf") for n in (1, 2, 3)]
    pdf_format.render(reading_of(texts, [picture(path)] * 3, path, "application/pdf"), out)

    with pypdfium2.PdfDocument(out) as document:
        assert len(document) == 3


@pytest.mark.parametrize("rotate", [0, 90])
def test_words_that_can_be_seen_as_text_are_not_put_there_again(tmp_path, rotate):
    path = original(tmp_path / "in.pdf", rotate)
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        pdf.pages[0].obj.Contents = pdf.make_stream(b"BT /F1 30 Tf 20 80 Td (same wrung) Tj ET")
        pdf.save()
    out = rendered(tmp_path, path, [read(path, turn=(360 - rotate) % 360, text="same wrong")])

    with pypdfium2.PdfDocument(out) as document:
        assert sorted(document[0].get_textpage().get_text_bounded().split()) == ["same", "wrong", "wrung"]


def test_hidden_words_between_others_stay_lest_those_move(tmp_path):
    path = original(tmp_path / "in.pdf")
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        pdf.pages[0].contents_add(b"BT /F1 12 Tf 20 80 Td (a) Tj 3 Tr (hidden) Tj 0 Tr (b) Tj ET")
        pdf.save()

    assert ImageChops.difference(picture(rendered(tmp_path, path, [read(path)])), picture(path)).getbbox() is None


def test_a_title_of_its_own_is_kept(tmp_path):
    path = original(tmp_path / "in.pdf")
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.docinfo.Title = "Annual report"
        pdf.save()
    with pikepdf.Pdf.open(rendered(tmp_path, path, [read(path)])) as pdf:
        assert (pdf.docinfo.Title, pdf.docinfo.Producer) == ("Annual report", "Dropscribe")


def test_metadata_that_must_agree_stay_as_they_are(tmp_path):
    path = original(tmp_path / "in.pdf")
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.docinfo.Producer = "Scanner 3"
        with pdf.open_metadata() as metadata:
            metadata.load_from_docinfo(pdf.docinfo)
            metadata["pdfaid:part"] = "2"
        pdf.save()
    with pikepdf.Pdf.open(path) as pdf:
        before = str(pdf.docinfo.Producer), pdf.Root.Metadata.read_bytes()
    with pikepdf.Pdf.open(rendered(tmp_path, path, [read(path)])) as pdf:
        assert before == (str(pdf.docinfo.Producer), pdf.Root.Metadata.read_bytes())


def test_labels_fields_and_pictures_of_the_original_stay_as_they_are(tmp_path):
    path = original(tmp_path / "in.pdf")
    picture(path).save(jpeg := BytesIO(), "JPEG")
    kinds = {"JPXDecode": b"\0\0\0\x0cjP  ", "JBIG2Decode": b"\0\0\0\1", "DCTDecode": jpeg.getvalue()}
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array([0, pikepdf.Dictionary(S=pikepdf.Name.r, St=4)]))
        field = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="name", V="value", Subtype=pikepdf.Name.Widget)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([pdf.make_indirect(field)]))
        streams = {
            f"/{kind}": pikepdf.Stream(pdf, data, Filter=pikepdf.Name(f"/{kind}")) for kind, data in kinds.items()
        }
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(streams))
        pdf.save()
    with pikepdf.Pdf.open(rendered(tmp_path, path, [read(path)])) as pdf:
        assert (pdf.pages[0].label, str(pdf.Root.AcroForm.Fields[0].V)) == ("iv", "value")
        found = pdf.pages[0].Resources.XObject
        assert kinds == {kind: found[f"/{kind}"].read_raw_bytes() for kind in kinds}


def test_a_pdf_that_opens_without_a_password_is_searchable_too(tmp_path):
    path = original(tmp_path / "in.pdf")
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(encryption=pikepdf.Encryption(owner="owner", user=""))
    out = rendered(tmp_path, path, [read(path)])

    with pypdfium2.PdfDocument(out) as document:
        assert document[0].get_textpage().get_text_bounded().strip() == "bar"


@pytest.mark.parametrize("fault", ["not a PDF for this library", "fewer pages than were read"])
def test_a_file_that_only_the_reader_of_pages_understood_is_shown_by_its_pictures(tmp_path, fault):
    path = original(tmp_path / "in.pdf", pages=2)
    texts = [read(path), read(path, number=2)]
    images = [picture(path, number) for number in (0, 1)]
    if fault == "fewer pages than were read":
        original(path, pages=1)
    else:
        Path(path).write_bytes(b"%PDF-1.7 nothing of use")
    out = str(tmp_path / "out.pdf")
    pdf_format.render(reading_of(texts, images, path, "application/pdf"), out)

    with pypdfium2.PdfDocument(out) as document:
        assert [page.get_textpage().get_text_bounded().strip() for page in document] == ["bar", "bar"]


def test_odd_page_boxes_and_content_do_not_stop_it(tmp_path):
    path = original(tmp_path / "in.pdf", pages=5, media=())
    with pikepdf.Pdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.CropBox = pikepdf.Array([1, 2, 3])
        pdf.pages[1].obj.MediaBox = pikepdf.Array([400, 500, 0, 0])
        pdf.pages[2].obj.Rotate = pikepdf.Name.Ninety
        pdf.pages[3].obj.Resources = pikepdf.Array([])
        pdf.pages[4].obj.Contents = pikepdf.Array([])
        pdf.save()
    texts = [page_text(n, f"page {n}") for n in range(1, 6)]
    out = rendered(tmp_path, path, texts)

    with pypdfium2.PdfDocument(out) as document:
        assert [p.get_textpage().get_text_bounded().strip() for p in document] == [f"page {n}" for n in range(1, 6)]
