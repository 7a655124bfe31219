"""Text prepared for files: invalid characters replaced, pages joined one at a time.

What is kept here is what was read; only characters that a format cannot carry are changed. No layout, no boxes.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, TextIO

from dropscribe.core.pages import Target

_SURROGATE = re.compile("[\ud800-\udfff]")
# Everything XML 1.0 forbids (Char production, section 2.2), and DEL and C1, which it discourages.
_NO_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")  # C0, DEL and C1: some of them steer a terminal
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def repaired(text: str) -> str:
    """Return *text* with surrogate pairs joined and lone surrogates replaced, so that UTF-8 can carry it."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def printable(text: str) -> str:
    """Return *text* without control characters except line feeds and tabs; every line break is a line feed.

    A form feed inside a page would count as a new page, so it is a line break too.
    """
    return _CONTROLS.sub("", _BREAKS.sub("\n", repaired(text)))


def for_xml(text: str) -> str:
    """Return *text* without the characters that XML 1.0 forbids; not yet escaped."""
    return _NO_XML.sub("", _BREAKS.sub("\n", repaired(text)))


def sound(value: Any) -> Any:
    """Return plain *value* (dicts, sequences, text, numbers) as JSON can carry it; infinities and NaN become None."""
    if isinstance(value, str):
        return repaired(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: sound(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sound(item) for item in value]
    return value


def new_file(path: Target) -> TextIO:
    """Open a file to write text to: UTF-8, lines ending as they are."""
    return open(path, "w", encoding="utf-8", newline="\n", closefd=isinstance(path, str))


def write_joined(path: Target, pages: Iterable[str], separator: str) -> None:
    """Write *pages* to the file at *path* as UTF-8, *separator* between each two, one line feed at the end.

    A document without any text gives an empty file. Holds one page at a time.
    """
    with new_file(path) as file:
        waiting, empty = "", True
        for page in pages:
            # Separators wait until there is text after them or the end is reached: blank documents stay empty.
            if text := printable(page).strip("\n"):
                file.write(waiting + text)
                waiting, empty = "", False
            waiting += separator
        if not empty:
            file.write(waiting.removesuffix(separator) + "\n")
