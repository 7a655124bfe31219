"""Thousands of damaged files: pages or a reason come out, and the process that reads them lives on.

Seeded, so that a failure names a case that can be made again: the kind, the number of the case, and nothing else.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.corpus import CORPORA, corpus_entries
from support.decoding_child import Reader
from support.image_files import encoded, save, written
from support.pdf_files import Maker, lines

CASES, CORPUS_CASES = 400, 400
DEADLINE_SECONDS = 45


def whole_pdf() -> bytes:
    maker = Maker().page(lines("one", "two")).page("q 300 0 0 100 9 9 cm /P Do Q", pictures={"P": written()})
    return maker.bytes()


WHOLE: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: encoded(written(), "PNG"),
    "JPEG": lambda: encoded(written(), "JPEG", progressive=True),
    "TIFF": lambda: encoded(
        written(), "TIFF", compression="tiff_lzw", save_all=True, append_images=[written("1", 1, 0)]
    ),
    "G4": lambda: encoded(written("1", 1, 0), "TIFF", compression="group4"),
    "WEBP": lambda: encoded(written(), "WEBP"),
    "GIF": lambda: encoded(written(), "GIF"),
    "AVIF": lambda: encoded(written(), "AVIF"),
    "HEIF": lambda: save(written(), "HEIF", {}),
    "JPEG2000": lambda: encoded(written(), "JPEG2000"),
    "PDF": whole_pdf,
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return *content* with a few bytes changed, a stretch removed, doubled or blanked, or its end cut off or moved."""
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if not out:
            break
        at, how = chance.randrange(len(out)), chance.random()
        if how < 0.5:
            out[at] ^= 1 << chance.randrange(8)
        elif how < 0.7:
            out[at : at + chance.choice((1, 2, 4))] = chance.choice((b"\0", b"\xff", b"\x7f\xff\xff\xff"))
        elif how < 0.8:
            del out[at : at + chance.randrange(1, 64)]
        elif how < 0.9:
            out[at:at] = out[at : at + chance.randrange(1, 64)]
        elif how < 0.93:
            del out[max(at, 32) :]
        elif how < 0.96:
            del out[max(at, 32) : -chance.choice((2, 12, 48))]
        elif how < 0.98:
            out[at:] = bytes(len(out) - at)
    return bytes(out)


def broken_by(reader: Reader, path: Path, content: bytes) -> str | None:
    path.write_bytes(content)
    answer: dict[str, Any] = reader.read(str(path))
    if answer["reason"] and answer["kind"] != "file":
        return f"reason {answer['reason']}"
    broken: str | None = answer["broken"]
    return broken


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", WHOLE)
def test_damaged_files_give_pages_or_a_reason(kind: str, tmp_path: Path) -> None:
    content, found = WHOLE[kind](), {}
    with Reader(DEADLINE_SECONDS) as reader:
        for case in range(CASES):
            chance = random.Random(f"{kind} {case}")
            if broken := broken_by(reader, tmp_path / "a.bin", damaged(content, chance)):
                found[case] = broken

    assert found == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_damaged_files_of_the_corpora_give_pages_or_a_reason(corpora: Path, tmp_path: Path) -> None:
    small = sorted(e["path"] for e in corpus_entries() if 0 < e["bytes"] < 60_000 and "3000" not in e["path"])
    found = {}
    with Reader(DEADLINE_SECONDS) as reader:
        for case in range(CORPUS_CASES):
            chance = random.Random(f"corpora {case}")
            path = chance.choice(small)
            content = damaged((CORPORA / path).read_bytes(), chance)
            if broken := broken_by(reader, tmp_path / "a.bin", content):
                found[f"{case} {path}"] = broken

    assert found == {}
