"""Keep PP-OCR's lines of many pages on disk, so that order, tables and Markdown can be measured in seconds.

    python tests/bench/cached.py fill CACHE [--folder FOLDER]     lines of the open corpora, or of FOLDER/*.png
    python tests/bench/cached.py score CACHE [--folder FOLDER] [--texts FOLDER] [--save FILE]

A folder holds NAME.png beside NAME.txt, as `layouts.py` writes them. `fill` skips what is there already.
"""

import argparse
import json
import os
import pickle
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from accuracy import SHARED, load_scorer, made, show, wanted
from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import Page
from dropscribe.documents.opening import open_document
from dropscribe.engines.base import Signals
from dropscribe.engines.ppocr.engine import page_text
from dropscribe.engines.ppocr.pixels import pixels, turned
from dropscribe.engines.ppocr.reader import PageLines, Reader
from dropscribe.engines.ppocr.rules import rules
from dropscribe.engines.ppocr.sessions import Sessions
from dropscribe.layout.marks import Marks

SESSIONS = Sessions()
DOUBT = {"low-confidence", "unread", "empty"}


def entries(scorer: Any, folder: str | None) -> tuple[list[dict[str, Any]], Path]:
    """Return what is to be read, as entries of an index, and the folder that their paths start from."""
    return (wanted(scorer, []), SHARED / "corpora") if folder is None else made(folder)


def fill(todo: list[dict[str, Any]], root: Path, cache: Path) -> None:
    """Read each of *todo* and keep its pages and lines."""
    cache.mkdir(parents=True, exist_ok=True)
    reader = Reader(Sessions(), Signals())
    settings = checked({"intake": {"pdf_text": "auto"}}, "the bench")
    for entry in todo:
        kept = cache / (entry["id"] + ".pkl")
        if kept.exists():
            continue
        pages = []
        try:
            with closing(open_document(os.fspath(root / entry["path"]), settings)) as document:
                for page in document.pages():
                    own = page.blank or page.text is not None
                    page.image.save(cache / f"{entry['id']}.{page.number}.jpg", quality=90)
                    pages.append(
                        (replace(page, image=Image.new("1", page.image.size)), None if own else reader.read(page))
                    )
        except ReasonedError as error:
            print(f"{entry['id']}: {error.reason}: {error}", file=sys.stderr)
        kept.write_bytes(pickle.dumps(pages))


def marked(name: str, page: Page, found: PageLines, cache: Path) -> PageLines:
    """Return *found* with the rules and regions of the kept picture, which are kept themselves."""
    kept = cache / f"{name}.{page.number}.marks"
    if not kept.exists():
        picture = turned(pixels(Image.open(cache / f"{name}.{page.number}.jpg")), found.clockwise)
        kept.write_bytes(pickle.dumps(Marks(SESSIONS.regions(picture), *rules(picture))))
    return replace(found, marks=pickle.loads(kept.read_bytes()))


def score(todo: list[dict[str, Any]], root: Path, cache: Path, scorer: Any, texts: Path) -> dict[str, Any]:
    """Put the kept lines of *todo* together and score the texts; return the scorer's result, with each page's doubt."""
    settings = Settings()
    doubts: dict[str, list[str]] = {}
    for entry in todo:
        done = [
            page.text or ""
            if found is None
            else page_text(page, marked(entry["id"], page, found, cache), settings, 0.0)
            for page, found in pickle.loads((cache / (entry["id"] + ".pkl")).read_bytes())
        ]
        doubts[entry["id"]] = sorted({flag for one in done if not isinstance(one, str) for flag in one.flags} & DOUBT)
        plain = "\f".join(one if isinstance(one, str) else one.text for one in done)
        (texts / (entry["id"].replace("/", "_") + ".txt")).write_text(plain, "utf-8")
        with_marks = "\n\n---\n\n".join(one if isinstance(one, str) else one.markdown for one in done)
        (texts / (entry["id"].replace("/", "_") + ".md")).write_text(with_marks, "utf-8")
    result: dict[str, Any] = scorer.score(todo, root, texts)
    for row in result["files"]:
        row["doubt"] = doubts[row["id"]]
    return result


def doubt(result: dict[str, Any]) -> None:
    """Print how many of the files that were read badly and well are flagged."""
    for label, rows in (
        ("recall below .93", [row for row in result["files"] if row["recall"] < 0.93]),
        ("between", [row for row in result["files"] if 0.93 <= row["recall"] <= 0.97]),
        ("recall above .97", [row for row in result["files"] if row["recall"] > 0.97]),
    ):
        print(f"{label}: {sum(bool(row['doubt']) for row in rows)} of {len(rows)} flagged", end="  ")
    print()


def by_kind(result: dict[str, Any]) -> None:
    """Print the mean character error of each first tag (the kind of layout)."""
    kinds: dict[str, list[float]] = {}
    for row in result["files"]:
        kinds.setdefault(row["tags"][0] if row["tags"] else "", []).append(row["cer"])
    print(
        "  ".join(f"{kind} {sum(errors) / len(errors):.3f} ({len(errors)})" for kind, errors in sorted(kinds.items()))
    )


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(description="Keep lines on disk, and score what is made of them.")
    parser.add_argument("command", choices=("fill", "score"))
    parser.add_argument("cache")
    parser.add_argument("--folder")
    parser.add_argument("--texts")
    parser.add_argument("--save")
    given = parser.parse_args()
    scorer = load_scorer(SHARED / "tools" / "score.py")
    if scorer is None:
        print(f"nothing measured: there is no score.py in {SHARED}")
        return 0
    todo, root = entries(scorer, given.folder)
    if given.command == "fill":
        fill(todo, root, Path(given.cache))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        texts = Path(given.texts or scratch)
        texts.mkdir(parents=True, exist_ok=True)
        result = score(
            [e for e in todo if (Path(given.cache) / (e["id"] + ".pkl")).exists()],
            root,
            Path(given.cache),
            scorer,
            texts,
        )
    show(result, {})
    doubt(result)
    if given.folder:
        by_kind(result)
    if given.save:
        Path(given.save).write_text(json.dumps(result, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
