"""What `read --check` tells beside the text: what two readers of a page do not share, or why only one has read it."""

import json
import sys

from dropscribe.config import Engine
from dropscribe.core.job import on_one_line
from dropscribe.core.pages import PageText
from dropscribe.core.remarks import passages
from dropscribe.engines.crosscheck.prompts import asks_for_text

BLIND = "the second reader cannot judge it"
NOT_READ = {"pdf": "its text is the PDF's own", "blank": "it is blank"}  # by what its text is from
ALONE = "rapidocr is the only reader; what a large model reads is checked"
LACKING = "there was no second reader: too little memory for it, or it took too long"


def tell(name: str, path: str, settings: Engine, prompt: str | None) -> None:
    """Print what the JSON at *path* says of the pages of *name*; the text alone goes to standard output.

    *settings* are those by which it was read, but for a *prompt* of its own.
    """
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    pages = [PageText.from_dict(page) for page in document["pages"]]
    for line in (line for page in pages for line in passages(page)):
        print(f"{name}: {on_one_line(line)}", file=sys.stderr)
    without: dict[str, list[str]] = {}
    for page in pages:
        if page.check is None or page.check.reader is None:
            reason = _reason(page, document["engine"]["name"], settings, prompt or settings.prompt)
            without.setdefault(reason, []).append(str(page.number))
    for reason, numbers in without.items():
        which = f"page{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
        print(f"{name}: not cross-checked: {which} ({reason})", file=sys.stderr)


def _reason(page: PageText, engine: str, settings: Engine, prompt: str) -> str:
    """Return why a page has no verdict."""
    if page.check is not None:
        return BLIND
    if page.text_source in NOT_READ:
        return NOT_READ[page.text_source]
    if engine == "rapidocr":
        return ALONE
    if settings.cross_check == "off":
        return "engine.cross_check is off"
    return LACKING if asks_for_text(prompt) else "the prompt asks for something else than its text"
