"""Pictures for the measurements: pages of words, each different, made on the spot."""

import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness of the tests

WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
    "mix",
    "potions",
)


def page(path: Path, number: int, lines: int = 12) -> Path:
    """Write a page of *lines* lines of text to *path*."""
    choose = random.Random(number)
    image = Image.new("L", (900, 40 + 40 * lines), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    for line in range(lines):
        draw.text((30, 20 + 40 * line), " ".join(choose.choices(WORDS, k=9)), fill=0, font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def table(*rows: tuple[object, ...]) -> None:
    """Print *rows* (the first is the head) as Markdown."""
    head, *body = rows
    print("| " + " | ".join(map(str, head)) + " |\n|" + "---|" * len(head))
    for row in body:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)
