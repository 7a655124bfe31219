"""Markdown: what the engine made of each page, pages separated by a rule.

Places of figures that were saved are linked before (`figures.linked`); those left are dropped here.
"""

from dropscribe.core.pages import DocumentResult, Target
from dropscribe.formats import plain, safe_markdown

RULE = "\n\n---\n\n"  # the blank line before it matters: text right above a rule would become a heading


def render(reading: DocumentResult, path: Target) -> None:
    """Write the Markdown of all pages to *path*; a document without text gives an empty file."""
    plain.write_joined(path, (safe_markdown.of(page) for page in reading.texts), RULE)
