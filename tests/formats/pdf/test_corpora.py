"""Every real PDF is written as a PDF again, with its pages, and without what acts."""

from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from dropscribe.core.errors import ReasonedError
from dropscribe.formats.pdf import actions
from support.corpus import corpus_entries
from support.results import written


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "entry", [pytest.param(e, id=e["path"]) for e in corpus_entries() if e["path"].endswith(".pdf")]
)
def test_a_pdf_is_written_with_all_its_pages(entry: dict[str, Any], corpora: Path, tmp_path: Path) -> None:
    try:
        out = written(str(corpora / entry["path"]), tmp_path / "out.pdf", strip_actions=True)
    except ReasonedError:
        assert entry["expect"] not in ("decodes", "text")
        return

    with pypdfium2.PdfDocument(out) as document:
        assert len(document) > 0
    with pikepdf.Pdf.open(out) as pdf:
        assert not actions.take_out(pdf).kinds
