"""Readings made by hand, for the tests of output formats."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.pages import (
    Attempt,
    Block,
    Check,
    DocumentResult,
    EngineInfo,
    Page,
    PageText,
    Passage,
    Source,
)
from dropscribe.documents.pdf.document import PdfDocument
from dropscribe.formats.pdf import render

# Any character there is, lone surrogates and control characters too, and the troublemakers often.
odd_text = st.text(
    st.one_of(
        st.characters(exclude_categories=()), st.sampled_from('\0\x0b\f\x1b\ud800\udfff\u202e\ufffe<&"]]>שم́😀\n \t中')
    )
)
odd_number = st.floats() | st.integers(-10, 2000).map(float)
odd_block = st.builds(
    Block,
    st.sampled_from(["text", "table", "image"]) | odd_text,
    odd_text,
    st.none() | st.tuples(odd_number, odd_number, odd_number, odd_number),
    st.none() | odd_number,
)


def page_text(number: int = 1, text: str = "", blocks: Sequence[Block] = (), **more: object) -> PageText:
    """Return the text of a page of 400 by 300 pixels."""
    values = {"width": 400, "height": 300, "markdown": text, **more}
    return PageText(number=number, text=text, blocks=tuple(blocks), **values)  # type: ignore[arg-type]


odd_passages = st.lists(st.builds(Passage, odd_text, odd_block.map(lambda block: block.box)), max_size=2).map(tuple)
odd_check = st.builds(Check, st.none() | odd_text, st.none() | st.floats(0, 1), odd_passages, odd_passages)
odd_page = st.builds(
    page_text,
    text=odd_text,
    markdown=odd_text,
    blocks=st.lists(odd_block, max_size=4),
    flags=st.tuples(odd_text),
    attempts=st.tuples(st.builds(Attempt, odd_text, odd_text, st.integers(0, 9), odd_number, st.just("stop"))),
    seconds=odd_number,
    check=st.none() | odd_check,
)


def numbered(pages: Sequence[PageText]) -> list[PageText]:
    """Return *pages* numbered from 1."""
    return [PageText.from_dict({**page.as_dict(), "number": n}) for n, page in enumerate(pages, start=1)]


def reading_of(
    texts: Sequence[PageText],
    images: Sequence[Image.Image] = (),
    file: str = "",
    media_type: str = "image/png",
    name: str = "sub/scan.png",
    dpi: float | None = None,
) -> DocumentResult:
    """Return the reading of a document with these *texts*; its pictures are white where none are given."""

    def pages() -> Iterator[Page]:
        for index, text in enumerate(texts):
            image = images[index] if images else Image.new("RGB", (text.width, text.height), "white")
            yield Page(text.number, image, dpi=dpi)

    digest = hashlib.sha256(Path(file).read_bytes() if file else b"").hexdigest()
    source = Source(name, digest, 0, media_type, len(texts))
    engine = EngineInfo("rapidocr", "PP-OCRv5", None, "3.10.0")
    return DocumentResult(source, engine, texts, pages, file, "2026-01-02T03:04:05Z", 1.5, False, False)


def written(path: str, out: Path, *, strip_actions: bool = False) -> str:
    """Write the PDF for the one at *path*, read by its own text, to *out*."""
    document = PdfDocument(path, Settings())
    try:
        texts = [
            PageText(p.number, p.width, p.height, p.text or "", "", p.blocks, text_source="pdf")
            for p in document.pages()
        ]
        source = Source("a.pdf", "", 0, "application/pdf", 1)
        engine = EngineInfo("rapidocr", "", None, "")
        result = DocumentResult(
            source,
            engine,
            texts,
            document.pages,
            path,
            "2026-01-02T03:04:05Z",
            1.0,
            False,
            False,
            document.hidden,
            strip_actions=strip_actions,
        )
        render.render(result, str(out))
    finally:
        document.close()
    return str(out)
