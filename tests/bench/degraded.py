"""Make pages worse, from seeds: blurred, reduced, noisy, pale or badly compressed, so that doubt can be calibrated.

    python tests/bench/degraded.py FOLDER WORSE [--seed 0] [--every 3]

Takes every third NAME.png of FOLDER with its text; how much worse it becomes varies from hardly to unreadable.
"""

import argparse
import io
import random
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def worse(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Return *picture* with one of five kinds of damage, of a random degree."""
    kind, degree = rng.choice(("blur", "small", "noise", "pale", "jpeg")), rng.random()
    if kind == "blur":
        return picture.filter(ImageFilter.GaussianBlur(1.2 + 2.6 * degree))
    if kind == "small":
        share = 0.55 - 0.25 * degree
        return picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.BILINEAR)
    if kind == "jpeg":
        small = picture.resize((picture.width // 2, picture.height // 2))
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=round(14 - 11 * degree))
        return Image.open(kept).convert("RGB")
    values = np.asarray(picture, np.float32)
    dice = np.random.default_rng(rng.randrange(2**32))
    if kind == "pale":
        values = 255 - (255 - values) * (0.25 - 0.17 * degree) + dice.normal(0, 9, values.shape)
    else:
        values = values + dice.normal(0, 60 + 110 * degree, values.shape)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def main() -> int:
    """Write the worse pages; return the exit code."""
    parser = argparse.ArgumentParser(description="Make pages worse.")
    parser.add_argument("folder")
    parser.add_argument("worse")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=3)
    given = parser.parse_args()
    target = Path(given.worse)
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(Path(given.folder).glob("*.png"))[given.seed % given.every :: given.every]:
        picture = worse(Image.open(source).convert("RGB"), random.Random(f"{given.seed} {source.name}"))
        picture.save(target / source.name)
        shutil.copyfile(source.with_suffix(".txt"), target / (source.stem + ".txt"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
