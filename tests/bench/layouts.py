"""Draw pages of many layouts whose text and reading order are known, from seeds.

    python tests/bench/layouts.py FOLDER --seeds 0-99 [--kinds paper cards] [--fonts FOLDER]

For each seed and kind it writes KIND-SEED.png and KIND-SEED.txt. Seeds below 1000 are for looking at while rules are
written; those above are drawn with other fonts, sizes and gaps (`Style`) and stay unseen until a change is done.
The order in which a layout draws is the order in which a person would read it.
"""

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

from grid_layouts import cards, contents, form, glossary, grid, lists, menu, receipt, table
from PIL import ImageFont
from sheets import Sheet, Style
from text_layouts import beside, index, letter, newsletter, paper, sidebar, two, verse

KINDS: dict[str, Callable[[Sheet], object]] = {
    f.__name__: f
    for f in (
        paper,
        newsletter,
        sidebar,
        index,
        cards,
        menu,
        form,
        table,
        two,
        beside,
        contents,
        letter,
        verse,
        lists,
        glossary,
        receipt,
        grid,
    )
}


def fonts(folders: list[str]) -> list[tuple[str, str]]:
    """Return pairs of files, regular and bold, found in *folders* and in matplotlib's, which the tests depend on."""
    import matplotlib

    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pairs = [("DejaVuSans", "DejaVuSans-Bold"), ("DejaVuSerif", "DejaVuSerif-Bold"), ("STIXGeneral", "STIXGeneralBol")]
    found = [(str(own / f"{a}.ttf"), str(own / f"{b}.ttf")) for a, b in pairs]
    for folder in folders:
        for bold in sorted(Path(folder).glob("*Bold.ttf")):
            regular = Path(str(bold).replace("Bold", "Regular"))
            found += [(str(regular), str(bold))] if regular.is_file() else []
    return found


def draw(kind: str, seed: int, files: list[tuple[str, str]]) -> Sheet:
    """Return the page of *kind* for *seed*."""
    rng = random.Random(f"{kind} {seed}")
    unseen = seed >= 1000
    size = rng.choice((20, 25, 30) if unseen else (22, 26))
    regular, bold = rng.choice(files)
    style = Style(
        ImageFont.truetype(regular, size),
        ImageFont.truetype(bold, int(size * rng.choice((1.0, 1.3, 1.6)))),
        size,
        round(size * (rng.uniform(1.2, 1.7) if unseen else rng.choice((1.25, 1.4, 1.6)))),
        round(size * (rng.uniform(1.0, 3.0) if unseen else rng.choice((1.1, 1.5, 2.2)))),
        rng.random() < 0.5,
        rng.random() < 0.5,
    )
    sheet = Sheet(rng, style)
    KINDS[kind](sheet)
    return sheet


def main() -> int:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description="Draw pages of known text.")
    parser.add_argument("folder")
    parser.add_argument("--seeds", default="0-4", help="FIRST-LAST")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--fonts", nargs="+", default=[])
    given = parser.parse_args()
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    first, last = map(int, given.seeds.split("-"))
    for seed in range(first, last + 1):
        for kind in given.kinds:
            sheet = draw(kind, seed, fonts(given.fonts))
            sheet.image.save(folder / f"{kind}-{seed}.png")
            (folder / f"{kind}-{seed}.txt").write_text("\n".join(sheet.lines), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
