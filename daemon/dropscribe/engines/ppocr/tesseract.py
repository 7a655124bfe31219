"""Scripts that the PP-OCR weights lack, read by an installed tesseract; without one, such pages are only flagged.

It owns the choice of tesseract's languages and one call of the program a page; when a page is given to it is decided
by the reader. Installed by the user: Debian `tesseract-ocr-rus` and so on, Homebrew `tesseract-lang`.
"""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dropscribe.engines.ppocr.pixels import Pixels
from dropscribe.layout.lines import Line, letters, weight

TIMEOUT = 120  # seconds for one page
TRUSTED = 0.8  # mean confidence of a page, from which no other language is tried
MOST_TRIED = 5  # languages, one after the other
SURE = 0.3  # confidence of a word below which it is not text

# ISO 639 codes (of one language or another, two letters) to tesseract's; only languages whose letters PP-OCR lacks.
CODES = {
    "ru": "rus", "uk": "ukr", "be": "bel", "bg": "bul", "sr": "srp", "mk": "mkd", "kk": "kaz", "mn": "mon",
    "ko": "kor", "ar": "ara", "fa": "fas", "ur": "urd", "he": "heb", "yi": "yid", "el": "ell", "hy": "hye",
    "ka": "kat", "hi": "hin", "mr": "mar", "ne": "nep", "bn": "ben", "ta": "tam", "te": "tel", "kn": "kan",
    "ml": "mal", "gu": "guj", "pa": "pan", "si": "sin", "th": "tha", "lo": "lao", "my": "mya", "km": "khm",
    "am": "amh", "bo": "bod", "vi": "vie",
}  # fmt: skip
SCRIPTS = {
    "Cyrillic": ("rus", "ukr", "bel", "bul", "srp"), "Hangul": ("kor",), "Korean": ("kor",), "Arabic": ("ara", "fas"),
    "Hebrew": ("heb",), "Greek": ("ell",), "Armenian": ("hye",), "Georgian": ("kat",), "Devanagari": ("hin",),
    "Bengali": ("ben",), "Tamil": ("tam",), "Telugu": ("tel",), "Thai": ("tha",), "Latin": ("vie",),
}  # fmt: skip


@dataclass(frozen=True)
class Tesseract:
    """An installed tesseract: its program and the languages that it has."""

    program: str
    languages: frozenset[str]

    def read(self, picture: Pixels, wanted: Sequence[str]) -> list[Line]:
        """Return the lines of *picture* (BGR) in the languages *wanted* (ISO codes; none: as its script shows).

        Nothing where tesseract has none of them, fails or takes too long: it is a second reader, and never a fault.
        """
        best: list[Line] = []
        for spoken in [self.known(wanted)] if wanted else self._by_script(picture):
            if spoken and weight(best) < TRUSTED * letters(best) + 1:
                found = _lines(self._run(picture, ["-l", "+".join(spoken), "--psm", "3", "tsv"]))
                best = max(best, found, key=weight)
        return best

    def known(self, wanted: Sequence[str]) -> list[str]:
        """Return tesseract's names of those languages of *wanted* that it has, and that PP-OCR cannot read."""
        names = [CODES.get(code, "") for code in wanted]
        return [name for name in names if name in self.languages]

    def _by_script(self, picture: Pixels) -> list[list[str]]:
        """Return the languages to try in turn: those of the script that it sees, then each that PP-OCR cannot read."""
        lacking = [[name] for name in CODES.values() if name in self.languages][:MOST_TRIED]
        if "osd" not in self.languages or len(lacking) < 2:
            return lacking
        seen = re.search(r"Script: (\w+)", self._run(picture, ["-l", "osd", "--psm", "0"]))
        of_script = [name for name in SCRIPTS.get(seen[1] if seen else "", ()) if name in self.languages]
        return [of_script[:2], *lacking]

    def _run(self, picture: Pixels, arguments: Sequence[str]) -> str:
        _, encoded = cv2.imencode(".png", picture)
        command = [self.program, "stdin", "stdout", *arguments]
        try:
            done = subprocess.run(command, input=encoded.tobytes(), capture_output=True, timeout=TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace")


def installed() -> Tesseract | None:
    """Return the tesseract on the path, with what it can read; None where there is none that works."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "--list-langs"], capture_output=True, timeout=10, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Tesseract(program, frozenset(done.stdout.split("\n")[1:]) - {""})


def _lines(tsv: str) -> list[Line]:
    """Return the lines in tesseract's table of words: their boxes around their words, confidence by letters."""
    words: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row.get("level") == "5" and (row.get("text") or "").strip() and float(row["conf"]) >= 100 * SURE:
            words.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(row)
    return [_line(row) for row in words.values()]


def _line(words: Sequence[dict[str, str]]) -> Line:
    x0, y0 = (min(float(w[key]) for w in words) for key in ("left", "top"))
    x1 = max(float(w["left"]) + float(w["width"]) for w in words)
    y1 = max(float(w["top"]) + float(w["height"]) for w in words)
    count = sum(len(w["text"]) for w in words)
    confidence = sum(len(w["text"]) * float(w["conf"]) for w in words) / count / 100
    quad = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
    return Line(quad, " ".join(w["text"].strip() for w in words), confidence)
