"""The embedded engine, for real: its weights are inside the package, so nothing stands between these tests and it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dropscribe.config import Settings, checked
from dropscribe.core.errors import Reason, ReasonedError, Stopped
from dropscribe.core.pages import Page, PageKey, PageText
from dropscribe.engines.base import Signals
from dropscribe.engines.ppocr.engine import RapidOcr
from dropscribe.engines.ppocr.runtime import processors
from support.pages import Pages

LINES = ("Nothing leaves the machine.", "Files are read once, 24/7.", "Then the memory comes back.")


@pytest.fixture(scope="module")
def engine() -> Iterator[RapidOcr]:
    """Yield a loaded engine for all tests of this file."""
    engine = RapidOcr(Settings(), Signals())
    engine.load(lambda progress: None)
    yield engine
    engine.unload()


def drawn(
    lines: tuple[str, ...] = LINES, *, size: int = 30, at: tuple[int, int] = (40, 40), colours: str = "white black"
) -> Image.Image:
    """Return a picture of *lines*, just large enough."""
    ground, ink = colours.split()
    font = ImageFont.load_default(size)
    width = round(max(font.getlength(line) for line in lines)) + 2 * at[0]
    image = Image.new("RGB", (width, 2 * at[1] + round(1.5 * size * len(lines))), ground)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((at[0], at[1] + 1.5 * size * number), line, fill=ink, font=font)
    return image


def read(engine: RapidOcr, image: Image.Image) -> PageText:
    """Return what *engine* reads on *image*."""
    (text,) = engine.read(Pages([Page(1, image)]))
    return text


def test_a_plain_page_is_read_in_one_attempt(engine: RapidOcr) -> None:
    page = read(engine, drawn())

    assert page.text.split("\n") == list(LINES)
    assert (page.text_source, page.rotation, page.flags) == ("ocr", 0, ())
    assert [(a.mode, a.prompt, a.tokens, a.end) for a in page.attempts] == [("rapidocr", "", 3, "stop")]


def test_every_line_keeps_its_box_and_confidence(engine: RapidOcr) -> None:
    image = drawn()

    for number, block in enumerate(read(engine, image).blocks):
        assert block.box is not None and block.confidence is not None
        assert abs(block.box[0] - 40) < 12 and abs((block.box[1] + block.box[3]) / 2 - (57 + 45 * number)) < 10
        assert 0.9 < block.confidence <= 1


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_a_turned_page_is_righted_and_says_so(engine: RapidOcr, clockwise: int) -> None:
    page = read(engine, drawn().rotate(-clockwise, expand=True))

    assert page.text.split("\n") == list(LINES)
    assert (page.rotation, page.flags) == (360 - clockwise, ("rotated",))
    assert (page.width, page.height) == drawn().size


def test_pages_are_not_turned_when_the_settings_say_so() -> None:
    engine = RapidOcr(checked({"intake": {"orientation": "off"}}, "test"), Signals())
    page = read(engine, drawn().rotate(90, expand=True))
    engine.unload()

    assert (page.rotation, page.flags) == (0, ())


@pytest.mark.parametrize("size", [11, 120])
def test_small_and_large_letters_are_read(engine: RapidOcr, size: int) -> None:
    assert read(engine, drawn(("Dropscribe reads",), size=size)).text == "Dropscribe reads"


def test_text_that_touches_the_edge_is_read(engine: RapidOcr) -> None:
    assert read(engine, drawn(("edge",), at=(1, 0))).text == "edge"


def test_light_text_on_dark_ground_is_read(engine: RapidOcr) -> None:
    assert read(engine, drawn(colours="#202020 #f0f0f0")).text.split("\n") == list(LINES)


@pytest.mark.slow
def test_a_very_long_page_is_read_to_its_end(engine: RapidOcr) -> None:
    lines = tuple(f"line number {number} of many" for number in range(130))

    assert read(engine, drawn(lines)).text.split("\n") == list(lines)


def test_a_very_long_line_is_not_cut_inside_a_word(engine: RapidOcr) -> None:
    words = " ".join(["alpha", "beta", "gamma", "delta", "omega"] * 9)
    image = drawn((words,), size=28, at=(5, 5))

    assert image.width > 2000
    assert read(engine, image).text.split() == words.split()


def cells(rows: list[tuple[str, ...]], *, pad: int) -> Image.Image:
    """Return a table whose cells have lines parted by a stroke, with *pad* pixels between its rows."""
    font, top = ImageFont.load_default(20), 30
    image = Image.new("RGB", (760, 60 + sum(pad + 26 * max(c.count("/") + 1 for c in row) for row in rows)), "white")
    for row in rows:
        for column, cell in enumerate(row):
            lines = cell.replace("/", "\n")
            ImageDraw.Draw(image).multiline_text((30 + 370 * column, top), lines, "black", font, spacing=6)
        top += pad + 26 * max(cell.count("/") + 1 for cell in row)
    return image


def test_sentences_in_cells_side_by_side_are_read_row_by_row(engine: RapidOcr) -> None:
    rows = [
        (
            "The first machine reads all the/pages that were left over",
            "It begins when nobody is/at work and stops at six",
        ),
        (
            "A second one keeps the index",
            "Nobody has ever seen it fail,/and that is not for want of/trying hard to break it",
        ),
        ("Both of them share the paper/that the third one brings up/from the store each night", "It is slow"),
        ("The store has two doors", "Only one of them opens/from the inside"),
    ]
    words = read(engine, cells(rows, pad=16)).text.split()

    order = [words.index(word) for word in ("first", "begins", "second", "ever", "Both", "slow", "doors", "opens")]
    assert order == sorted(order)


def test_columns_of_text_are_read_one_after_the_other(engine: RapidOcr) -> None:
    left = (
        "The morning was cold and clear/and there was ice on the pond./Two boys had come with their/skates and a rope."
    )
    right = (
        "In the afternoon it snowed for/an hour, and when it was over/the pond could not be seen, so/they went home."
    )
    later = left.replace("The", "Next"), right.replace("In", "Then")
    text = read(engine, cells([(left, right), later], pad=0)).text

    assert text.split() == "/".join((left, later[0], right, later[1])).replace("/", " ").split()


def test_a_fault_inside_the_engine_is_told_as_one(engine: RapidOcr) -> None:
    with pytest.raises(ReasonedError) as raised:
        engine.sessions.detect(np.zeros((40, 40), np.uint8))  # a picture without its three colours

    assert raised.value.reason is Reason.ENGINE_ERROR


def test_nothing_is_invented_where_there_is_no_text(engine: RapidOcr) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8)
    slope = np.repeat(np.linspace(0, 255, 400)[None, :, None], 300, axis=0).repeat(3, axis=2).astype(np.uint8)

    for picture in (noise, slope):
        page = read(engine, Image.fromarray(picture))
        assert (page.text, page.blocks, page.flags) == ("", (), ())


def test_circles_and_strokes_are_not_read_as_letters(engine: RapidOcr) -> None:
    picture = Image.new("RGB", (600, 400), "white")
    draw = ImageDraw.Draw(picture)
    for x, y, size in ((60, 60, 40), (200, 90, 60), (420, 50, 30), (120, 240, 50), (330, 260, 80), (500, 200, 44)):
        draw.ellipse((x, y, x + size, y + size), outline="black", width=4)
    draw.line((40, 380, 40, 330), "black", 5)

    page = read(engine, picture)

    assert (page.text, page.flags) == ("", ())


def test_letters_say_where_they_stand(engine: RapidOcr) -> None:
    (word,) = engine.sessions.recognise([np.array(drawn(("left                    right",)))[40:85]])

    places = dict(zip(word.text, word.places, strict=True))
    assert list(word.places) == sorted(word.places)
    assert places["l"] < 0.3 and places["g"] > 0.7


def test_a_bar_alone_is_no_text(engine: RapidOcr) -> None:
    image = Image.new("RGB", (800, 400), "white")
    image.paste("black", (80, 160, 720, 220))
    text = read(engine, image)

    assert (text.text, text.flags) == ("", ())


def test_empty_output_is_final_only_after_other_looks(engine: RapidOcr) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8)
    page = read(engine, Image.fromarray(noise))

    assert len(page.attempts) > 1
    assert {attempt.end for attempt in page.attempts} == {"empty"}


def test_a_page_of_one_colour_is_looked_at_once(engine: RapidOcr) -> None:
    page = read(engine, Image.new("RGB", (300, 200), "#335577"))

    assert (page.text, len(page.attempts)) == ("", 1)


def test_the_worker_hears_of_each_try_before_it_begins() -> None:
    heard: list[tuple[PageKey, str]] = []
    engine = RapidOcr(Settings(), Signals(attempt=lambda key, mode: heard.append((key, mode))))
    list(engine.read(Pages([Page(1, drawn(), document=5), Page(2, drawn())])))
    engine.unload()

    assert sorted(heard) == [((0, 2), "rapidocr"), ((5, 1), "rapidocr")]


def test_reading_stops_between_pages_when_asked() -> None:
    signals = Signals()
    engine = RapidOcr(Settings(), signals)
    pages = engine.read(Pages(Page(number, drawn()) for number in range(1, 9)))
    next(pages)
    signals.stop.set()

    with pytest.raises(Stopped):
        list(pages)
    engine.unload()


@pytest.mark.parametrize(("at_once", "expected"), [("auto", min(2, processors())), (1, 1), (3, 3)])
def test_no_more_pages_are_taken_than_are_read_at_once(at_once: object, expected: int) -> None:
    engine = RapidOcr(checked({"engine": {"pages_at_once": at_once}}, "the test"), Signals())
    taken = []

    def pages() -> Iterator[Page]:
        for number in range(1, 9):
            taken.append(number)
            yield Page(number, drawn(("one page",)))

    next(engine.read(Pages(pages())))
    engine.unload()

    assert (engine.width, len(taken)) == (expected, expected)


class OneAfterTheOther:
    """A source whose second page comes when the first one has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._pages = [Page(number, drawn()) for number in (1, 2)]

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page, where it is there already."""
        come = self._pages and (len(self._pages) == 2 or self.begun.is_set())
        return self._pages.pop(0) if come else None


@pytest.mark.parametrize("late", [False, True])
def test_two_pages_are_read_at_once(*, late: bool) -> None:
    """Each begins before the other has ended, also where the second one comes later."""
    both = threading.Barrier(2, timeout=30)
    source = OneAfterTheOther()

    def begun(key: PageKey, mode: str) -> None:
        source.begun.set()
        both.wait()

    engine = RapidOcr(checked({"engine": {"pages_at_once": 2}}, "the test"), Signals(attempt=begun))
    texts = list(engine.read(source if late else Pages([Page(1, drawn()), Page(2, drawn())])))
    engine.unload()

    assert sorted(text.number for text in texts) == [1, 2]
    assert all(isinstance(text, PageText) and text.text.split("\n") == list(LINES) for text in texts)


def test_a_line_reads_the_same_whatever_stands_beside_it(engine: RapidOcr) -> None:
    """In a batch the shorter ones are padded, and read a little differently."""
    short = np.array(drawn(("Total 12.50",)))[40:85]
    long = np.array(drawn(("A line that is very much longer than the others, up to the margin of the page",)))[40:85]
    (alone,) = engine.sessions.recognise([short])

    beside, *_ = engine.sessions.recognise([short, long, long])

    assert beside == alone


def test_unloading_twice_and_loading_again_works() -> None:
    engine = RapidOcr(Settings(), Signals())
    steps: list[str] = []
    engine.unload()
    for _ in range(2):
        engine.load(lambda progress: steps.append(progress.step))
        assert read(engine, drawn(("again",))).text == "again"
        engine.trim()
        engine.unload()
        engine.unload()

    assert steps[0] == "weights" and steps[-1] == "ready"


def test_it_says_what_it_is() -> None:
    engine = RapidOcr(Settings(), Signals())

    assert (engine.info.name, engine.info.model, engine.info.revision) == ("rapidocr", "PP-OCRv6-small", None)
    assert engine.info.version.startswith("3.")
    assert engine.mlx_memory() is None
    assert 300e6 < engine.estimate() < 2e9


def test_it_says_nothing_and_opens_no_connection(tmp_path: Path) -> None:
    drawn().save(tmp_path / "page.png")
    code = """
import os, sys
sys.addaudithook(lambda event, args: os._exit(9) if event in ("socket.connect", "socket.getaddrinfo") else None)
from PIL import Image
from dropscribe.config import Settings
from dropscribe.core.pages import Page
from dropscribe.engines.base import Signals
from dropscribe.engines.ppocr.engine import RapidOcr
engine = RapidOcr(Settings(), Signals())
engine.load(lambda progress: None)
pages = [Page(1, Image.open(sys.argv[1]).convert("RGB"))]
class Source:
    def take(self, *, wait):
        return pages.pop() if pages else None
(page,) = engine.read(Source())
engine.unload()
sys.exit(0 if len(page.blocks) == 3 else 1)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "page.png")], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be taken away here")
def test_it_uses_the_processors_that_it_may_use() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from dropscribe.engines.ppocr.runtime import processors; print(processors())"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"
    assert processors() == len(os.sched_getaffinity(0))
