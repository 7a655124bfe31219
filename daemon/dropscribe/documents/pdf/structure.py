"""A PDF as qpdf sees it: what kind of document it is, its one list of pages, and what of a page cannot be decoded.

PDFium, which draws, trusts what the file says of itself and mends in silence: where the two would see other pages, it
is given the file as qpdf rewrites it. No page is drawn here.
"""

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pikepdf

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents.loss import Loss
from dropscribe.documents.pdf import fonts, page_tree, streams
from dropscribe.documents.pdf.page_tree import PageTree

NESTED_FORMS = 3  # how deep form XObjects are searched
_DRAWN = re.compile(rb"(?<![\w(])(/[^\s/<>()\[\]{}%]+)\s+Do\b")
MOST_STREAMS = 2000  # of a page's resources that are looked at


class Structure:
    """One PDF, opened by qpdf if it can; `close` may be called twice."""

    def __init__(self, source: str | io.BytesIO, in_ruins: bool = False) -> None:
        """*in_ruins* says that *source* was rewritten from a file that was."""
        self._pdf: pikepdf.Pdf | None = None
        self._known: dict[tuple[int, int], Loss] = {}  # streams that pages share are judged once
        self._holes = False
        try:
            with _remarks() as said:
                self._pdf = pikepdf.open(source, suppress_warnings=True)
            self._holes = any("non-dictionary" in each.getMessage() for each in said)
            self._in_ruins = in_ruins or any("file is damaged" in str(warning) for warning in self._pdf.get_warnings())
        except Exception as error:  # qpdf and its binding raise many kinds
            self._in_ruins = not isinstance(error, pikepdf.PasswordError)

    def in_ruins(self) -> bool:
        """Say whether the objects of the file had to be searched for, or cannot be found at all."""
        return self._in_ruins

    @property
    def is_sound(self) -> bool:
        """Whether the file could be opened, and its objects are where it says."""
        return self._pdf is not None and not self._in_ruins

    def check_kind(self) -> None:
        """Raise `ReasonedError` for a document whose pages are only a notice that stands for it."""
        if self._pdf is None:
            return
        root = self._pdf.Root
        if _is_dynamic_form(root):
            what = (
                "This PDF is a dynamic XFA form, which only Acrobat can draw: print it to a PDF there, and drop that."
            )
            raise ReasonedError(Reason.UNSUPPORTED, what)
        if _is_portfolio(root):
            what = "This PDF is a portfolio, a cover around other files: save those from it, and drop them one by one."
            raise ReasonedError(Reason.UNSUPPORTED, what)

    def page_tree(self) -> PageTree:
        """Return what qpdf says of the pages; none where it cannot open the file."""
        try:
            if self._pdf is None:
                return PageTree(0, odd=False, holes=False)
            odd = page_tree.is_odd(self._pdf.Root.get("/Pages")) or self._in_ruins
            return PageTree(len(self._pdf.pages), odd, self._holes)
        except Exception:  # as above
            return PageTree(0, odd=True, holes=False)

    def rebuilt(self, lost: Sequence[int]) -> bytes | None:
        """Return the file with a page list that everybody reads alike, None where that cannot be.

        White pages are put in at the places *lost* (from 0, in the new list), for those that are not there any more.
        """
        out = io.BytesIO()
        try:
            if self._pdf is None:
                return None
            pages = self._pdf.pages
            self._pdf.Root.Pages.Count = len(pages)  # lest qpdf refuses to rewrite the tree
            self._pdf.add_blank_page()  # any change makes it do so: flat, and counted
            del pages[-1]
            for index in sorted(lost):
                self._pdf.add_blank_page()
                pages.insert(index, pages[-1])
                del pages[-1]
            self._pdf.save(out)
        except Exception:  # as above: then the file stays as it is
            return None
        return out.getvalue()

    def has_layers(self) -> bool:
        """Say whether the document has layers, which may be switched off; so it is taken where nothing is known."""
        return self._pdf is None or "/OCProperties" in self._pdf.Root

    def lacks_meaning(self, number: int) -> bool:
        """Say whether page *number* (from 1) names a font whose codes are no letters, or cannot be looked into."""
        try:
            return self._pdf is None or fonts.any_unmapped(self._pdf.pages[number - 1].resources)
        except Exception:  # as above: a page that cannot be checked is not trusted
            return True

    def content_loss(self, number: int) -> Loss:
        """Return what of the drawing instructions of page *number*, and of the forms it uses, cannot be unpacked."""
        worst = Loss.NONE
        for stream in self._contents(number):
            worst = max(worst, self._judged(stream))
        try:
            return Loss.SOME if worst is Loss.NONE and self._names_nothing(number) else worst
        except Exception:  # as above
            return max(worst, Loss.DOUBT)

    def picture_loss(self, number: int, size: tuple[int, int]) -> Loss:
        """Return what those pictures of page *number* lost that have *size* (width and height in pixels)."""
        worst = Loss.NONE
        for stream in self._xobjects(number):
            if stream.get("/Subtype") == pikepdf.Name.Image and (stream.get("/Width"), stream.get("/Height")) == size:
                worst = max(worst, self._judged(stream))
        return worst

    def close(self) -> None:
        """Let go of the file."""
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None

    def _names_nothing(self, number: int) -> bool:
        """Say whether page *number* draws a form or picture that is not in the file."""
        if self._pdf is None:
            return False
        page = self._pdf.pages[number - 1]
        named = {name for stream in self._own_contents(page) for name in _DRAWN.findall(stream.read_bytes())}
        found = page.resources.get("/XObject", {}) if isinstance(page.resources, pikepdf.Dictionary) else {}
        return any(b"#" not in name and name.decode("latin-1") not in found for name in named)

    def _own_contents(self, page: pikepdf.Page) -> Iterator[pikepdf.Stream]:
        found = page.obj.get("/Contents")
        for each in found if isinstance(found, pikepdf.Array) else [found]:
            if isinstance(each, pikepdf.Stream):
                yield each

    def _contents(self, number: int) -> Iterator[pikepdf.Stream]:
        if self._pdf is None:
            return
        yield from self._own_contents(self._pdf.pages[number - 1])
        yield from (each for each in self._xobjects(number) if each.get("/Subtype") == pikepdf.Name.Form)

    def _xobjects(self, number: int) -> Iterator[pikepdf.Stream]:
        if self._pdf is not None:
            found = streams.forms(self._pdf.pages[number - 1].resources, NESTED_FORMS)
            yield from (stream for _, stream in zip(range(MOST_STREAMS), found, strict=False))

    def _judged(self, stream: pikepdf.Stream) -> Loss:
        if stream.objgen not in self._known:
            judge = streams.picture_loss if stream.get("/Subtype") == pikepdf.Name.Image else streams.content_loss
            try:
                self._known[stream.objgen] = judge(stream)
            except Exception:  # as above: numbers that are none, parameters of the wrong kind
                self._known[stream.objgen] = Loss.DOUBT
        return self._known[stream.objgen]


@contextmanager
def _remarks() -> Iterator[list[logging.LogRecord]]:
    """Collect what qpdf says by way of its binding's logger, which nobody else is to hear."""
    said, logger = list[logging.LogRecord](), logging.getLogger("pikepdf._core")

    def take(record: logging.LogRecord) -> bool:
        said.append(record)
        return False

    logger.addFilter(take)
    try:
        yield said
    finally:
        logger.removeFilter(take)


def _is_dynamic_form(root: pikepdf.Object) -> bool:
    """Say whether the pages of an XFA form are made by Acrobat as it opens the file (ISO 32000-1, 7.7.2)."""
    form = root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary) or "/XFA" not in form:
        return False
    return root.get("/NeedsRendering") is True or not len(form.get("/Fields", ()))


def _is_portfolio(root: pikepdf.Object) -> bool:
    """Say whether the document is its attachments, and a viewer is to show those (ISO 32000-1, 12.3.5)."""
    collection = root.get("/Collection")
    names = root.get("/Names")
    if not isinstance(collection, pikepdf.Dictionary) or not isinstance(names, pikepdf.Dictionary):
        return False
    return collection.get("/View") != pikepdf.Name.H and "/EmbeddedFiles" in names
