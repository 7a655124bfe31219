"""What remains of a damaged PDF, by a second library: PDFium repairs silently, and shows white for what is lost.

Read with pikepdf, and asked only of pages that are blank. No page is drawn here, and none that shows anything judged.
"""

import pikepdf


class Remains:
    """What qpdf finds in one PDF, opened on the first question; `close` may be called twice."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pdf: pikepdf.Pdf | None = None
        self._in_ruins: bool | None = None

    def in_ruins(self) -> bool:
        """Say whether the objects of the file had to be searched for, or cannot be found at all."""
        if self._in_ruins is None:
            try:
                self._pdf = pikepdf.open(self._path, suppress_warnings=True)
                self._in_ruins = any("file is damaged" in str(warning) for warning in self._pdf.get_warnings())
            except Exception as error:  # qpdf and its binding raise many kinds
                self._in_ruins = not isinstance(error, pikepdf.PasswordError)
        return self._in_ruins

    def lacks_content(self, number: int) -> bool:
        """Say whether page *number* (from 1) has drawing instructions that cannot be unpacked."""
        self.in_ruins()
        if self._pdf is None:
            return False  # nothing is known
        try:
            found = self._pdf.pages[number - 1].obj.get("/Contents")
            for stream in found if isinstance(found, pikepdf.Array) else [found]:
                if isinstance(stream, pikepdf.Stream):
                    stream.read_bytes()
        except Exception:  # as above
            return True
        return False

    def close(self) -> None:
        """Let go of the file."""
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None
