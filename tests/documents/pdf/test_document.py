"""PDF pages stand upright at a sensible resolution, and what cannot be opened or drawn is named."""

import re
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Page
from support.image_files import contrast, encoded, intake, pages_of, upper_left_is_darkest, written
from support.pdf_files import Maker, lines

LETTER = ("The quick brown fox", "jumps over the lazy dog.", "", "Yours, A. Reader")

SCAN = "q 612 0 0 792 0 0 cm /P Do Q\n"


def only(folder: Path, maker: Maker, settings: Settings | None = None) -> Page:
    [page] = pages_of(folder, maker.bytes(), "a.pdf", settings)
    return page


def scan(width: int, height: int) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    image.paste(written("L", 255, 0).resize((width // 2, height // 4)), (width // 20, height // 20))
    return image


def reason_of(folder: Path, content: bytes) -> Reason:
    with pytest.raises(ReasonedError) as caught:
        pages_of(folder, content, "a.pdf")
    return caught.value.reason


def test_a_page_is_turned_and_cropped_as_it_says(tmp_path: Path) -> None:
    plain = only(tmp_path, Maker().page(lines("Word", size=60, top=650)))
    turned = only(tmp_path, Maker().page(lines("Word", size=60, top=650), Rotate=90))
    cropped = only(tmp_path, Maker().page(lines("Word", size=60, top=650), CropBox=pikepdf.Array([0, 396, 612, 792])))

    assert (plain.width, plain.height) == (turned.height, turned.width) == (1700, 2200)
    assert upper_left_is_darkest(plain.image)
    assert upper_left_is_darkest(turned.image.transpose(Image.Transpose.ROTATE_90))
    assert (cropped.width, cropped.height) == (1700, 1100)


@pytest.mark.parametrize(
    ("points", "pixels", "dpi"),
    [
        ((612, 792), (2550, 3300), 300),  # at its own resolution
        ((612, 792), (5100, 6600), 300),  # no finer than is of use
        ((612, 792), (1700, 2200), 200),
        ((612, 792), (612, 792), 144),  # a coarse one is enlarged a little
        ((51, 66), (1700, 2200), 2400),  # a scan that claims 2400 dots per inch: the page is tiny, the scan is not
    ],
)
def test_a_scan_is_rendered_near_its_own_resolution(
    tmp_path: Path, points: tuple[int, int], pixels: tuple[int, int], dpi: int
) -> None:
    drawing = f"q {points[0]} 0 0 {points[1]} 0 0 cm /P Do Q"
    page = only(tmp_path, Maker().page(drawing, (0, 0, *points), {"P": scan(*pixels)}))

    assert page.dpi == pytest.approx(dpi, rel=0.02)
    assert upper_left_is_darkest(page.image)
    assert page.flags == ()


def test_a_huge_page_is_shrunk_to_fit_and_says_so(tmp_path: Path) -> None:
    page = only(tmp_path, Maker().page(lines("Word", size=900, top=9000), box=(0, 0, 14400, 14400)))

    assert 30_000_000 < page.width * page.height <= 36_100_000
    assert page.flags == ("scaled",)
    assert contrast(page) > 200


def test_a_small_max_pixels_shrinks_a_page_too(tmp_path: Path) -> None:
    page = only(tmp_path, Maker().page(lines(*LETTER)), intake(max_pixels=1_000_000))

    assert page.width * page.height <= 1_005_000
    assert page.flags == ("scaled",)


def test_a_tiny_page_is_enlarged(tmp_path: Path) -> None:
    page = only(tmp_path, Maker().page("1 w 5 5 m 100 40 l S", box=(0, 0, 144, 72)))

    assert (page.width, page.height) == (1000, 500)


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (0, 0, 612, 0), (5, 5, 5, 900)])
def test_a_page_without_a_size_never_crashes(tmp_path: Path, box: tuple[int, int, int, int]) -> None:
    assert all(page.width > 0 for page in pages_of(tmp_path, Maker().page(box=box).bytes()))


def test_a_pdf_without_pages_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(ReasonedError, match=r"^The PDF has no pages\.$") as caught:
        pages_of(tmp_path, Maker().bytes(), "a.pdf")
    assert caught.value.reason is Reason.DAMAGED

    with pytest.raises(ReasonedError, match="damaged and cannot be decoded"):
        pages_of(tmp_path, without_table(loose(Maker())), "ruins.pdf")


def test_a_page_of_impossible_size_is_damaged(tmp_path: Path) -> None:
    assert reason_of(tmp_path, Maker().page(box=(0, 0, 595, 2**31)).bytes()) is Reason.DAMAGED


def test_an_empty_page_is_blank(tmp_path: Path) -> None:
    assert only(tmp_path, Maker().page()).blank


def without_table(content: bytes, keyword: bytes = b"xxxx") -> bytes:
    """Return a PDF whose table of objects says nothing of use, so that the objects must be searched for."""
    return re.sub(rb"\nxref\n.*?\ntrailer", b"\n%s\n0 1\n0000000000 65535 f \ntrailer" % keyword, content, flags=re.S)


def loose(maker: Maker) -> bytes:
    return maker.bytes(object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)


def test_of_a_pdf_in_ruins_empty_pages_are_no_text(tmp_path: Path) -> None:
    assert reason_of(tmp_path, without_table(loose(Maker().page().page()))) is Reason.DAMAGED


@pytest.mark.parametrize("keyword", [b"xxxx", b"xref"])  # qpdf mends the first, and cannot open the second
def test_a_mended_pdf_is_read_with_its_empty_pages(tmp_path: Path, keyword: bytes) -> None:
    pages = pages_of(tmp_path, without_table(loose(Maker().page().page(lines(*LETTER))), keyword))

    assert [page.blank for page in pages] == [True, False]


def test_a_page_whose_drawing_cannot_be_unpacked_is_not_blank(tmp_path: Path) -> None:
    maker = Maker().page("1 w 5 5 m 100 40 l S")
    maker.pdf.pages[0].Contents = pikepdf.Stream(maker.pdf, b"no such code", Filter=pikepdf.Name.FlateDecode)

    assert reason_of(tmp_path, maker.bytes(compress_streams=False)) is Reason.DAMAGED


def test_a_page_whose_scan_cannot_be_decoded_is_not_blank(tmp_path: Path) -> None:
    broken = Maker().page(SCAN, pictures={"P": scan(600, 800)})
    picture = broken.pdf.pages[0].Resources.XObject.P
    picture.write(b"\xff\xd8\xff no JPEG", filter=pikepdf.Name.DCTDecode)
    white = Maker().page(SCAN, pictures={"P": Image.new("L", (600, 800), 255)})

    assert reason_of(tmp_path, broken.bytes()) is Reason.DAMAGED
    assert only(tmp_path, white).blank


def test_a_scan_with_a_hole_is_damaged_in_a_pdf_too(tmp_path: Path) -> None:
    maker = Maker().page(SCAN, pictures={"P": scan(600, 800)})
    content = encoded(scan(600, 800), "JPEG", quality=98)
    half = len(content) // 2
    for middle in (content[half : half + 900], bytes(900)):
        maker.pdf.pages[0].Resources.XObject.P.write(
            content[:half] + middle + content[half + 900 :], filter=pikepdf.Name.DCTDecode
        )
        if any(middle):
            assert not only(tmp_path, maker).blank
        else:
            assert reason_of(tmp_path, maker.bytes()) is Reason.DAMAGED


def test_a_password_to_open_is_encrypted_and_one_of_the_owner_is_not_asked_for(tmp_path: Path) -> None:
    maker = Maker().page(lines(*LETTER))
    for bits in (4, 6):
        locked = maker.bytes(encryption=pikepdf.Encryption(owner="o", user="u", R=bits))
        owned = maker.bytes(encryption=pikepdf.Encryption(owner="o", user="", R=bits))

        assert reason_of(tmp_path, locked) is Reason.ENCRYPTED
        assert (pages_of(tmp_path, owned)[0].text or "").startswith(LETTER[0])


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_pdf_cut_off_is_truncated_though_it_could_be_repaired(tmp_path: Path, part: float) -> None:
    whole = Maker().page(lines(*LETTER)).page(lines("two")).bytes()

    assert reason_of(tmp_path, whole[: int(len(whole) * part)]) is Reason.TRUNCATED


def test_junk_around_a_pdf_does_no_harm(tmp_path: Path) -> None:
    whole = Maker().page(lines(*LETTER)).bytes()

    assert pages_of(tmp_path, b"From: printer\r\n\r\n" + whole + b"\0" * 2000)[0].text


def test_page_trees_that_loop_end(tmp_path: Path) -> None:
    maker = Maker().page(lines("one"))
    tree = maker.pdf.Root.Pages
    tree.Kids.append(tree)
    tree.Count = 5
    path = tmp_path / "a.pdf"
    path.write_bytes(maker.bytes())
    try:
        pages_of(tmp_path, path.read_bytes())
    except ReasonedError as error:
        assert error.reason is Reason.DAMAGED  # either end is fine: pages, or this reason
