"""Plain text: UTF-8, pages separated by a form feed on a line of its own. No layout, no markup."""

from dropscribe.core.pages import DocumentResult, Target
from dropscribe.formats import plain


def render(reading: DocumentResult, path: Target) -> None:
    """Write the text of all pages to *path*; a document without text gives an empty file."""
    plain.write_joined(path, (page.text for page in reading.texts), "\n\f\n")
