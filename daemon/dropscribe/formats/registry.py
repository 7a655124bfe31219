"""Output formats: each a small file with one function that writes a `DocumentResult` to a path or an open file.

Rendering happens in a decoder, into files of a staging folder that the worker opens; the outbox names and publishes.
"""

from collections.abc import Callable
from importlib import import_module

from dropscribe.core.pages import DocumentResult, Target

SUFFIXES = {"txt": ".txt", "md": ".md", "json": ".json", "hocr": ".hocr", "alto": ".alto.xml", "pdf": ".pdf"}

MODULES = {"pdf": "pdf.render"}  # of formats whose module is not called as they are

Renderer = Callable[[DocumentResult, Target], None]


def renderer(name: str) -> Renderer:
    """Return the function `render(reading, path)` of the format called *name*."""
    render: Renderer = import_module(f"dropscribe.formats.{MODULES.get(name, name)}").render
    return render
