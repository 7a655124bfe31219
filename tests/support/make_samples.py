"""Makes the sample pictures of `dropscribe demo`: python tests/make_samples.py LATIN.ttf CJK.ttc FOLDER.

The pictures are kept in the package, since a machine without Chinese fonts could not make them.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LETTER = """Harbour Street Bakery
12 Harbour Street

Dear Ms. Okafor,

thank you for your order of 3 May. Forty rolls,
two rye loaves and one plum cake will be ready
on Saturday at 7:30. The total is 86.40 EUR,
payable when you collect them.

Kind regards
Jonas Lindqvist"""

CHINESE = """会议通知

各位同事：
本周五下午三点在二楼会议室开会，
讨论下半年的工作计划和预算。
请大家准时参加，并带上笔记本电脑。

行政部
二〇二六年十一月二十日"""

LEFT = """The lighthouse was built
in 1868 from local stone.
For ninety years a keeper
lit the lamp by hand each
evening and wrote the
weather into a log book."""

RIGHT = """Today the lamp is electric
and nobody lives there.
Visitors may climb the
tower on Sundays; the view
reaches as far as the
islands on a clear day."""


def page(size: tuple[int, int], texts: list[tuple[tuple[int, int], str]], font: str, points: int) -> Image.Image:
    """Return a white page with *texts* at their places."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    letters = ImageFont.truetype(font, points)
    for place, text in texts:
        draw.multiline_text(place, text, fill=20, font=letters, spacing=points // 2)
    return image.quantize(16)


def main(latin: str, cjk: str, folder: Path) -> None:
    """Write the four samples into *folder*."""
    page((900, 640), [((60, 50), LETTER)], latin, 28).save(folder / "letter.png", optimize=True)
    page((900, 520), [((60, 50), CHINESE)], cjk, 32).save(folder / "chinese.png", optimize=True)
    page((1100, 420), [((50, 50), LEFT), ((590, 50), RIGHT)], latin, 28).save(folder / "two-columns.png", optimize=True)
    whole = (folder / "letter.png").read_bytes()
    (folder / "damaged.png").write_bytes(whole[: len(whole) * 2 // 3])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
