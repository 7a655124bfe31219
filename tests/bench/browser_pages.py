"""Set pages of many kinds with a browser, from seeds: NAME.png beside its text in reading order, NAME.txt.

    python tests/bench/browser_pages.py FOLDER --seeds 0-4 [--kinds paper cards]

Seeds below 1000 are for looking at while rules are written; those from 1000 on have further fonts, sizes and line
heights, and stay unseen until a change is done. It needs Chromium, Playwright, and for `vertical` a font for Chinese
and Japanese (Debian: fonts-noto-cjk). `cached.py --folder` and `doubts.py` measure what was written.
"""

import argparse
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from browser_layouts import KINDS, Leaf

SEEN = ("DejaVu Serif", "Liberation Sans", "Liberation Serif")
UNSEEN = ("Lato", "DejaVu Sans Condensed", "Liberation Serif", "Liberation Sans Narrow", "DejaVu Sans")
SIZE = 1240, 1754  # pixels; A4 at 150 dpi


def page(kind: str, seed: int) -> tuple[str, str]:
    """Return the HTML of the page of *kind* for *seed*, and its text."""
    rng = random.Random(f"{kind} {seed}")
    unseen = seed >= 1000
    size = rng.choice((17, 19, 21, 24) if unseen else (18, 20, 22))
    height = rng.uniform(1.15, 1.65) if unseen else rng.choice((1.2, 1.4, 1.55))
    style = f"font:{size}px/{height:.2f} {rng.choice(UNSEEN if unseen else SEEN)}"
    style += f";text-align:{rng.choice(('left', 'justify'))}"
    leaf = Leaf(rng, size, rng.random() < 0.5)
    body = KINDS[kind](leaf)
    indent = rng.choice(("p{margin:0 0 .7em}", "p{margin:0 0 .7em}", "p{margin:0;text-indent:1.2em}"))
    css = f"body{{margin:80px 90px;{style}}}{indent}h1,h2,h3{{line-height:1.2;text-align:left;margin:.6em 0 .4em}}"
    text = "\n".join(leaf.texts)
    return f'<meta charset="utf-8"><style>{css}</style><body>{body}</body>', text


def main() -> int:
    """Write what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Set pages of known text with a browser.")
    parser.add_argument("folder")
    parser.add_argument("--seeds", default="0-4", help="FIRST-LAST")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    given = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        print("nothing made: there is no chromium")
        return 1
    kinds = given.kinds
    if "vertical" in kinds and not subprocess.run(["fc-list", ":lang=ja"], capture_output=True).stdout:
        print("no page of vertical text made: there is no font with Japanese")
        kinds.remove("vertical")
    from playwright.sync_api import sync_playwright

    Path(given.folder).mkdir(parents=True, exist_ok=True)
    first, last = map(int, given.seeds.split("-"))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for seed in range(first, last + 1):
            for kind in kinds:
                write(window, Path(given.folder), kind, seed)
        browser.close()
    return 0


def write(window: Any, folder: Path, kind: str, seed: int) -> None:
    """Write picture and text of one page; what is longer than a sheet makes a longer picture."""
    source, text = page(kind, seed)
    window.set_content(source)
    window.screenshot(path=str(folder / f"{kind}-{seed}.png"), full_page=True)
    (folder / f"{kind}-{seed}.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
