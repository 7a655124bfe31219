"""JSON after the published schema "dropscribe/1" (dropscribe-1.schema.json beside this file).

Written page by page, one page to a line, so that a document of thousands of pages is never held whole.
"""

import json
import re
from typing import Any

from dropscribe.core.pages import DocumentResult, PageText, Target
from dropscribe.formats import plain, safe_markdown

SCHEMA = "dropscribe/1"
# The file may be looked at in a terminal: DEL and C1 steer it, marks of direction turn a line around.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PAGE_KEYS = (
    *("number", "width", "height", "rotation", "text_source", "text", "markdown"),
    *("blocks", "flags", "attempts", "seconds", "check"),
)


def render(reading: DocumentResult, path: Target) -> None:
    """Write the whole reading to *path* as one JSON object in UTF-8."""
    with plain.new_file(path) as file:
        file.write(_dumped(_head(reading), indent=2).removesuffix("\n}") + ',\n  "pages": [')
        separator = "\n    "
        for page in reading.texts:
            file.write(separator + _dumped(_page(page)))
            separator = ",\n    "
        file.write("\n  ]\n}\n")


def _head(reading: DocumentResult) -> dict[str, Any]:
    source, engine = reading.source, reading.engine
    return {
        "schema": SCHEMA,
        "source": {
            "name": source.name,
            "sha256": source.sha256,
            "bytes": source.size,
            "media_type": source.media_type,
            "pages": source.pages,
        },
        "engine": {
            "name": engine.name,
            "model": engine.model,
            "revision": engine.revision,
            "version": engine.version,
        },
        "created": reading.created,
        "seconds": reading.seconds,
        "reused": reading.reused,
        "review": reading.review,
    }


def _page(page: PageText) -> dict[str, Any]:
    values = page.as_dict()
    values["markdown"] = safe_markdown.of(page)
    check = values["check"] or {"unconfirmed": (), "missing": ()}
    for placed in (*values["blocks"], *check["unconfirmed"], *check["missing"]):
        # A box with a number missing is no box.
        if placed["box"] is not None and None in plain.sound(placed["box"]):
            placed["box"] = None
    return {key: values[key] for key in _PAGE_KEYS}


def _dumped(values: dict[str, Any], indent: int | None = None) -> str:
    written = json.dumps(plain.sound(values), ensure_ascii=False, allow_nan=False, indent=indent)
    return _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", written)
