"""Every real and every bad file of the corpora: pages or a reason, in time, and never anything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropscribe.config import Settings
from dropscribe.documents.opening import open_document
from support.corpus import corpus_entries
from support.decoding_child import Reader

DEADLINE_SECONDS = 45  # of a file; the worker has `intake.decode_timeout` for each page


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(DEADLINE_SECONDS) as reader:
        yield reader


def marked() -> list[Any]:
    """Return every entry as a parameter; the harmless ones, which are many and large, as slow."""
    return [
        pytest.param(e, id=e["path"], marks=[] if e["kind"] == "bad" else [pytest.mark.slow]) for e in corpus_entries()
    ]


@pytest.mark.parametrize("entry", marked())
def test_a_file_of_the_corpora_is_read_or_refused_as_it_should_be(
    entry: dict[str, Any], corpora: Path, reader: Reader
) -> None:
    answer = reader.read(str(corpora / entry["path"]))

    assert answer["broken"] is None
    if answer["reason"]:
        assert answer["kind"] == "file"
    if entry["expect"] in ("decodes", "text"):
        assert answer["reason"] is None and answer["pages"] > 0
    elif entry["expect"] == "error":
        assert answer["reason"]


OWN_TEXT = {
    "paperless-ngx__paperless-ngx/pl-simple-digital.pdf": [True],
    "paperless-ngx__paperless-ngx/multi-page-mixed.pdf": [False, False, False, True, True, True],
    "debian_debian-reference-zh-cn_2.100/refcn_48-50.pdf": [True, True, True],
    "docling-project__docling/invisible_text_layer.pdf": [True],
    "ocrmypdf__OCRmyPDF/truetype_font_nomapping.pdf": [False],
    "ocrmypdf__OCRmyPDF/type3_font_nomapping.pdf": [False],
    "paperless-ngx__paperless-ngx/tagged-but-no-text.pdf": [False],
}


@pytest.mark.parametrize("name", OWN_TEXT)
def test_a_pdf_s_own_text_is_taken_where_it_is_sound(name: str, corpora: Path) -> None:
    document = open_document(str(corpora / name), Settings())
    taken = [page.text is not None for page in document.pages()]
    document.close()

    assert OWN_TEXT[name] == taken


@pytest.mark.parametrize("name", ["trunc50.jpg", "trunc90.jpg", "trunc50.webp", "trunc60.tif"])
def test_a_cut_off_picture_of_the_corpora_is_truncated(name: str, corpora: Path, reader: Reader) -> None:
    assert reader.read(str(corpora / "generated" / name))["reason"] == "truncated"


@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_a_heic_of_many_tiles_is_truncated_though_some_of_them_are_there(
    corpora: Path, tmp_path: Path, reader: Reader, part: float
) -> None:
    whole = (corpora / "generated" / "bitflip.heic").read_bytes()
    (tmp_path / "a.heic").write_bytes(whole[: int(len(whole) * part)])

    assert reader.read(str(tmp_path / "a.heic"))["reason"] == "truncated"


BLANK = ["black-a4.jpg", "fully-transparent.png", "gradient.webp", "static-noise.png"]


@pytest.mark.parametrize("name", BLANK)
def test_pages_without_ink_are_blank_and_static_is_not(name: str, corpora: Path) -> None:
    [page] = open_document(str(corpora / "generated" / name), Settings()).pages()

    assert page.blank is (name != "static-noise.png")
