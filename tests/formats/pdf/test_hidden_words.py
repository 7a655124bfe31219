"""Words that nobody can see are not in the PDF that is written either; what is seen stays as it is."""

from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import ImageChops

from support.results import written

LINES = b"BT /F1 14 Tf 60 700 Td 22 TL (Harbour Office) Tj T* (Total due 482.50) Tj ET\n"


def pdf_of(path: Path, content: bytes, form: bytes | None = None, layer_off: bool = False) -> str:
    """Write a page with *content*, which may draw *form* as /Fm and mark what belongs to a layer as /Layer."""
    with pikepdf.Pdf.new() as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        page = pdf.pages[0].obj
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        if form is not None:
            stream = pdf.make_stream(form, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 612, 792])
            stream.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            page.Resources.XObject = pikepdf.Dictionary(Fm=stream)
        if layer_off:
            group = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="draft"))
            page.Resources.Properties = pikepdf.Dictionary(Layer=group)
            pdf.Root.OCProperties = pikepdf.Dictionary(OCGs=[group], D=pikepdf.Dictionary(OFF=[group], Order=[group]))
        page.Contents = pdf.make_stream(content)
        pdf.save(path)
    return str(path)


def said(path: str) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return document[0].get_textpage().get_text_bounded()


def picture(path: str):
    with pypdfium2.PdfDocument(path) as document:
        return document[0].render(scale=2).to_pil().convert("RGB")


BAR = b" 0 g 128 294 160 20 re f\n"
SECRET = b"BT /F1 14 Tf 130 300 Td (Kestrel-77) Tj ET"
HIDDEN = {
    "under a bar": (LINES + SECRET + BAR, None),
    "beside words on the same line": (LINES + b"BT /F1 14 Tf 60 300 Td (Password: Kestrel-77) Tj ET" + BAR, None),
    "before words on the same line": (
        LINES + b"BT /F1 14 Tf 130 300 Td (Kestrel-77 and more here) Tj (seen) Tj ET 0 g 128 294 170 20 re f\n",
        None,
    ),
    "on a layer that is off": (LINES + b"/OC /Layer BDC " + SECRET + b" EMC\n", None),
    "white on white": (LINES + b"1 g " + SECRET + b" 0 g\n", None),
    "painted by nothing, over nothing": (LINES + b"3 Tr " + SECRET + b" 0 Tr\n", None),
    "in a form under a bar": (LINES + b"/Fm Do" + BAR, SECRET),
    "after a form": (LINES + b"q /Fm Do Q " + SECRET + BAR, b"BT /F1 9 Tf 60 100 Td (Page 1) Tj [(of) -250 ()] TJ ET"),
}


@pytest.mark.parametrize(("content", "form"), HIDDEN.values(), ids=HIDDEN)
def test_hidden_words_are_not_written(tmp_path: Path, content: bytes, form: bytes | None) -> None:
    path = pdf_of(tmp_path / "in.pdf", content, form, layer_off=b"/OC" in content)
    assert "Kestrel" in said(path)

    out = written(path, tmp_path / "out.pdf")

    assert "Kestrel" not in said(out)
    assert "Harbour Office" in said(out) and "Total due 482.50" in said(out)
    assert "Kestrel" not in Path(out).read_bytes().decode("latin-1")
    difference = ImageChops.difference(picture(path), picture(out)).convert("L").reduce(4)  # edges may move by a pixel
    assert difference.point(lambda value: 255 * (value > 96)).getbbox() is None


def test_a_layer_that_is_off_costs_no_drawing_of_the_page(tmp_path: Path) -> None:
    content = HIDDEN["on a layer that is off"][0]
    out = written(pdf_of(tmp_path / "in.pdf", content, layer_off=True), tmp_path / "out.pdf")

    with pikepdf.Pdf.open(out) as pdf:
        assert "/XObject" not in pdf.pages[0].obj.Resources


@pytest.mark.parametrize("content", [LINES, LINES + SECRET, b"0 0 0.5 rg 50 660 300 70 re f 1 g " + LINES])
def test_a_page_that_hides_nothing_is_copied_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    path = pdf_of(tmp_path / "in.pdf", content)

    assert Path(written(path, tmp_path / "out.pdf")).read_bytes() == Path(path).read_bytes()


def unpacked(path: str, out: Path) -> bytes:
    with pikepdf.Pdf.open(path) as pdf:
        pdf.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            compress_streams=False,
        )
    return out.read_bytes()


@pytest.mark.parametrize("partly", [False, True])
def test_a_form_is_in_the_file_no_more_though_other_pages_mention_it(tmp_path: Path, partly: bool) -> None:
    secret = SECRET.replace(b"130", b"110") if partly else SECRET  # what is seen in part makes the page a picture
    path = pdf_of(tmp_path / "one.pdf", LINES + b"/Fm Do" + BAR, secret)
    with pikepdf.Pdf.open(path) as pdf:
        resources = pdf.make_indirect(pdf.pages[0].obj.Resources)
        pdf.Root.Pages.Resources = resources
        del pdf.pages[0].obj["/Resources"]
        pdf.add_blank_page(page_size=(612, 792))
        pdf.pages[1].obj.Contents = pdf.make_stream(LINES)
        pdf.pages[1].obj.Resources = resources
        pdf.save(tmp_path / "in.pdf")
    assert b"Kestrel" in unpacked(str(tmp_path / "in.pdf"), tmp_path / "before.pdf")

    out = written(str(tmp_path / "in.pdf"), tmp_path / "out.pdf")

    assert b"Kestrel" not in unpacked(out, tmp_path / "after.pdf")


def test_a_form_that_is_seen_elsewhere_stays(tmp_path: Path) -> None:
    path = pdf_of(tmp_path / "one.pdf", LINES + b"/Fm Do" + BAR, SECRET)
    with pikepdf.Pdf.open(path) as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        pdf.pages[1].obj.Contents = pdf.make_stream(b"q 1 0 0 1 9 9 cm /Fm Do Q")
        pdf.pages[1].obj.Resources = pdf.pages[0].obj.Resources
        pdf.save(tmp_path / "in.pdf")

    out = written(str(tmp_path / "in.pdf"), tmp_path / "out.pdf")

    with pypdfium2.PdfDocument(out) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    assert "Kestrel" not in pages[0] and "Kestrel" in pages[1]


@pytest.mark.parametrize("how", ["written in it", "by a property", "by an element", "around a form"])
def test_what_says_hidden_words_again_goes_with_them(tmp_path: Path, how: str) -> None:
    marks = {
        "written in it": b"/Span <</ActualText (Kestrel-77)>> BDC ",
        "by a property": b"/Span /About BDC ",
        "by an element": b"/Span <</MCID 0>> BDC ",
        "around a form": b"/Span <</ActualText (Kestrel-77)>> BDC /Fm Do EMC /Span <</MCID 1>> BDC ",
    }
    path = pdf_of(
        tmp_path / "one.pdf", LINES + marks[how] + SECRET + b" EMC" + BAR, SECRET if b"Fm" in marks[how] else None
    )
    with pikepdf.Pdf.open(path) as pdf:
        page = pdf.pages[0].obj
        if how == "by a property":
            page.Resources.Properties = pikepdf.Dictionary(About=pikepdf.Dictionary(Alt="Kestrel-77"))
        if how == "by an element":
            section = pdf.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.Sect, ActualText="all of Kestrel-77"))
            element = pikepdf.Dictionary(S=pikepdf.Name.Span, K=0, Pg=page, P=section, Alt="Kestrel-77")
            section.K = pikepdf.Array([pdf.make_indirect(element)])
            parents = pikepdf.Dictionary(Nums=[0, pikepdf.Array([section.K[0]])])
            pdf.Root.StructTreeRoot = pikepdf.Dictionary(K=section, ParentTree=pdf.make_indirect(parents))
            page.StructParents = 0
        pdf.save(tmp_path / "in.pdf")

    out = written(str(tmp_path / "in.pdf"), tmp_path / "out.pdf")

    assert b"Kestrel" not in unpacked(out, tmp_path / "after.pdf")
    assert "Harbour Office" in said(out)
