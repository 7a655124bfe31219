"""What of a PDF page cannot be decoded is never passed over: the page is flagged, or the file refused."""

import io
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, TiffImagePlugin

from dropscribe.core.errors import Reason, ReasonedError
from support.image_files import encoded, pages_of, written
from support.pdf_files import Maker, lines

STAMP = "BT /F1 24 Tf 72 20 Td (Received 12 March) Tj ET\n"
NAME = pikepdf.Name


def scan(mode: str = "L") -> Image.Image:
    """Return a page of words with the grain of paper."""
    image = Image.new("L", (850, 1100), 255)
    for top in range(40, 1000, 90):
        for left in (40, 300, 560):
            image.paste(written("L", 255, 0), (left, top))
    grain = Image.effect_noise(image.size, 25)
    return Image.blend(image, grain, 0.2).convert(mode)


def words() -> Image.Image:
    return scan().point([0] * 128 + [255] * 128).convert("1")


def fax(rows: Image.Image) -> bytes:
    out = io.BytesIO()
    rows.save(out, "TIFF", compression="group4", tiffinfo={278: rows.height, 262: 0})
    with Image.open(out) as tiff:
        assert isinstance(tiff, TiffImagePlugin.TiffImageFile)
        start, length = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
    return out.getvalue()[start : start + length]


Coded = tuple[bytes, dict[str, object]]
CODINGS: dict[str, Callable[[], Coded]] = {
    "flate": lambda: (zlib.compress(scan().tobytes()), {"Filter": NAME.FlateDecode}),
    "flate in letters": lambda: (
        zlib.compress(scan().tobytes()).hex().encode(),
        {"Filter": pikepdf.Array([NAME.ASCIIHexDecode, NAME.FlateDecode])},
    ),
    "flate in colour": lambda: (
        zlib.compress(scan("RGB").tobytes()),
        {"Filter": NAME.FlateDecode, "ColorSpace": NAME.DeviceRGB},
    ),
    "jpeg": lambda: (encoded(scan(), "JPEG", quality=90), {"Filter": NAME.DCTDecode}),
    "jpeg 2000": lambda: (
        encoded(scan(), "JPEG2000", irreversible=True, quality_layers=[12]),
        {"Filter": NAME.JPXDecode},
    ),
    "jpeg 2000 in tiles": lambda: (
        encoded(scan(), "JPEG2000", tile_size=(256, 256), quality_layers=[12], irreversible=True),
        {"Filter": NAME.JPXDecode},
    ),
    "fax": lambda: (
        fax(words()),
        {
            "Filter": NAME.CCITTFaxDecode,
            "BitsPerComponent": 1,
            "DecodeParms": pikepdf.Dictionary(K=-1, Columns=850, Rows=1100),
        },
    ),
}


def document(coded: Coded, drawing: str = STAMP, share: float = 1.0, pages: int = 1) -> bytes:
    """Return a PDF with the coded picture over a *share* of its pages' heights, under a stamp."""
    data, keys = coded
    maker = Maker()
    for number in range(pages):
        maker.page(f"q 612 0 0 {792 * share} 0 {792 * (1 - share)} cm /P Do Q\n" + drawing, pictures={"P": scan()})
        picture = maker.pdf.pages[number].Resources.XObject.P
        sound = number < pages - 1
        picture.write(zlib.compress(scan().tobytes()) if sound else data)
        picture.Filter = NAME.FlateDecode
        for key, value in keys.items() if not sound else ():
            picture[f"/{key}"] = value
    return maker.bytes(compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def outcome(folder: Path, content: bytes) -> str | bool:
    """Return the reason for which a file is refused, or whether its last page has the flag `partial`."""
    try:
        return "partial" in pages_of(folder, content, "a.pdf")[-1].flags
    except ReasonedError as error:
        return error.reason.value


@pytest.mark.parametrize("coding", CODINGS)
def test_a_whole_picture_is_whole(tmp_path: Path, coding: str) -> None:
    assert outcome(tmp_path, document(CODINGS[coding]())) is False


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_scan_that_stops_is_damaged_though_there_is_a_stamp_on_the_page(
    tmp_path: Path, coding: str, part: float
) -> None:
    data, keys = CODINGS[coding]()
    cut = data[: int(len(data) * part)], keys

    assert outcome(tmp_path, document(cut)) == Reason.DAMAGED
    assert outcome(tmp_path, document(cut, share=0.3)) is True
    assert outcome(tmp_path, document(cut, pages=2)) is True


@pytest.mark.parametrize("coding", ["flate", "flate in colour", "jpeg", "fax"])
def test_a_scan_with_garbled_data_in_its_middle_is_damaged(tmp_path: Path, coding: str) -> None:
    data, keys = CODINGS[coding]()
    middle = len(data) // 2
    garbled = data[:middle] + random.Random(7).randbytes(900) + data[middle + 900 :]

    assert outcome(tmp_path, document((garbled, keys))) in (Reason.DAMAGED, True)


def test_a_picture_that_lacks_its_last_row_is_whole(tmp_path: Path) -> None:
    rows = scan().tobytes()

    assert outcome(tmp_path, document((zlib.compress(rows[:-850]), {"Filter": NAME.FlateDecode}))) is False
    assert outcome(tmp_path, document((zlib.compress(rows[:-85000]), {"Filter": NAME.FlateDecode}))) == Reason.DAMAGED


def test_a_scan_in_strips_of_which_one_is_lost_is_flagged(tmp_path: Path) -> None:
    maker = Maker()
    image = scan()
    strips = {f"S{n}": image.crop((0, n * 55, 850, n * 55 + 55)) for n in range(20)}
    drawing = "".join(f"q 612 0 0 39.6 0 {792 - 39.6 * (n + 1):.2f} cm /S{n} Do Q\n" for n in range(20))
    maker.page(drawing, pictures=strips)
    whole = maker.bytes()
    lost = maker.pdf.pages[0].Resources.XObject["/S7"]
    lost.write(zlib.compress(b"\0" * 46750)[:20], filter=NAME.FlateDecode)

    assert outcome(tmp_path, whole) is False
    assert outcome(tmp_path, maker.bytes()) is True


TEXT = "".join(lines(f"Line {n} of the contract, clause {n * n}.", top=740 - 16 * n, size=8) for n in range(40))


def drawn(packed: bytes, **keys: object) -> bytes:
    maker = Maker().page()
    stream = pikepdf.Stream(maker.pdf, packed, Filter=NAME.FlateDecode, **keys)
    maker.pdf.pages[0].Contents = stream
    return maker.bytes(compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def garbled(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes(byte ^ 0x5A for byte in packed[middle : middle + 30]) + packed[middle + 30 :]


@pytest.mark.parametrize("how", [garbled, lambda packed: packed[: len(packed) // 2]])
def test_drawing_instructions_that_stop_in_the_middle_are_flagged(
    tmp_path: Path, how: Callable[[bytes], bytes]
) -> None:
    packed = zlib.compress(TEXT.encode())

    assert outcome(tmp_path, drawn(packed)) is False
    assert outcome(tmp_path, drawn(how(packed))) in (True, Reason.DAMAGED)


@pytest.mark.parametrize("end", [b"\0\0\0\0", b"", b"\r\n"])
def test_a_checksum_that_is_wrong_or_missing_is_no_loss(tmp_path: Path, end: bytes) -> None:
    packed = zlib.compress(TEXT.encode())

    assert outcome(tmp_path, drawn(packed[:-4] + end)) is False


def test_a_form_that_cannot_be_unpacked_is_flagged(tmp_path: Path) -> None:
    maker = Maker().page(lines("seen") + "/Fm Do\n", pictures={})
    form = pikepdf.Stream(maker.pdf, garbled(zlib.compress(TEXT.encode())), Filter=NAME.FlateDecode)
    form.Subtype, form.Type = NAME.Form, NAME.XObject
    form.BBox, form.Resources = pikepdf.Array([0, 0, 612, 792]), maker.pdf.pages[0].Resources.Font
    maker.pdf.pages[0].Resources.XObject.Fm = maker.pdf.make_indirect(form)
    content = maker.bytes(compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)

    assert outcome(tmp_path, content) is True


def dangling() -> bytes:
    """Return two pages, the first of which draws a picture that is not there."""
    maker = Maker()
    for _ in range(2):
        maker.page("q 306 0 0 396 0 0 cm /P Do Q\n" + lines("words"), pictures={"P": scan()})
    content = maker.bytes(object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return re.sub(rb"/P \d+ 0 R", b"/P 99 0 R", content, count=1)


def test_a_page_that_draws_what_is_not_in_the_file_is_flagged(tmp_path: Path) -> None:
    pages = pages_of(tmp_path, dangling(), "a.pdf")

    assert ["partial" in page.flags for page in pages] == [True, False]


def jbig2(*segments: tuple[int, bytes], height: int = 64) -> bytes:
    """Return an embedded stream of a page of 64 pixels' width, with these segments (type, data)."""
    page = (64).to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(8) + b"\0\0\0"
    return b"".join(
        number.to_bytes(4, "big") + bytes([kind, 0, 1]) + len(data).to_bytes(4, "big") + data
        for number, (kind, data) in enumerate([(48, page), *segments])
    )


def region(rows: int, top: int = 0) -> bytes:
    """Return the data of a generic region, coded as a fax is (MMR): all white rows, a bit each."""
    place = b"".join(n.to_bytes(4, "big") for n in (64, rows, 0, top)) + b"\0"
    return place + b"\x01" + b"\xff" * (rows // 8) + b"\x00\x10\x01"


def test_a_jbig2_picture_without_all_its_segments_is_lost(tmp_path: Path) -> None:
    keys = {"Filter": NAME.JBIG2Decode, "Width": 64, "Height": 64, "BitsPerComponent": 1}
    whole = jbig2((38, region(32)), (38, region(32, 32)))

    assert outcome(tmp_path, document((whole, keys))) is False
    assert outcome(tmp_path, document((whole[:-9], keys))) == Reason.DAMAGED
    assert outcome(tmp_path, document((jbig2(), keys))) == Reason.DAMAGED
