"""Pictures of pages: made in a process of their own, within limits, and given up when they cannot be had."""

import asyncio
import io
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.files.places import Place
from dropscribe.web.pictures import NoPicture, Pictures
from support.harness import gone, wait_for


def settings(**intake: object) -> Settings:
    return checked({"intake": intake}, "test")


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "picture_process" in " ".join(child.cmdline())]


def test_a_page_over_the_limit_is_refused_and_the_next_is_made(tmp_path: Path) -> None:
    """Of 200 megapixels and more, in 30 KB."""
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    Image.new("1", (20_000, 10_001)).save(large)
    Image.new("RGB", (40, 30), "red").save(small)

    async def ask() -> bytes:
        with closing(Pictures()) as pictures:
            with pytest.raises(NoPicture, match="more pixels than"):
                await pictures.of(Place(bytes(tmp_path), (large).name.encode()), 1, 0, settings())
            with pytest.raises(NoPicture, match="cut off"):
                torn = tmp_path / "torn.png"
                torn.write_bytes(small.read_bytes()[:60])
                await pictures.of(Place(bytes(tmp_path), (torn).name.encode()), 1, 0, settings())
            with pytest.raises(NoPicture, match="1 pages, and no 2"):
                await pictures.of(Place(bytes(tmp_path), (small).name.encode()), 2, 0, settings())
            (tmp_path / "link.png").symlink_to(small)
            with pytest.raises(NoPicture, match="cannot be opened"):
                await pictures.of(Place(bytes(tmp_path), (tmp_path / "link.png").name.encode()), 1, 0, settings())
            return await pictures.of(Place(bytes(tmp_path), (small).name.encode()), 1, 0, settings())

    assert Image.open(io.BytesIO(asyncio.run(ask()))).convert("RGB").getpixel((20, 15)) == (255, 0, 0)


def test_a_process_that_dies_or_has_nothing_to_do_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "red").save(path)

    async def ask() -> None:
        with closing(Pictures(idle=0.3)) as pictures:
            await pictures.of(Place(bytes(tmp_path), (path).name.encode()), 1, 0, settings())
            (first,) = children()
            psutil.Process(first).kill()
            with pytest.raises(NoPicture, match="died"):
                while True:  # a dead one may be noticed before it is asked: then there is a new one at once
                    await pictures.of(Place(bytes(tmp_path), (path).name.encode()), 1, 0, settings())
                    if children() != [first]:
                        raise NoPicture("died and was replaced")
            await pictures.of(Place(bytes(tmp_path), (path).name.encode()), 1, 0, settings())
            (second,) = children()
            while not gone(second):
                await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(ask(), 50))
    wait_for(lambda: not children(), "none is left")


@pytest.mark.slow
def test_a_very_large_page_within_the_limit_costs_this_process_nothing(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (19_000, 10_000), 1).save(path)
    before = psutil.Process().memory_info().rss

    async def ask() -> bytes:
        with closing(Pictures()) as pictures:
            return await pictures.of(Place(bytes(tmp_path), (path).name.encode()), 1, 90, settings())

    image = Image.open(io.BytesIO(asyncio.run(ask())))
    assert image.height > image.width and image.width * image.height <= 5_100_000
    assert psutil.Process().memory_info().rss - before < 50 * 10**6
