"""An engine with a real second reader beside it: what leaves with which verdict, and that nothing waits for ever."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.core.errors import Reason, Stopped
from dropscribe.core.pages import Check, EngineInfo, Page, PageFailure, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines.base import LoadProgress, PageSource, Signals
from dropscribe.engines.crosscheck import ESTIMATE_BYTES
from dropscribe.engines.crosscheck.beside import Beside
from support.pages import Pages
from support.tiny_checkpoint import page_picture

LETTER = "Dear Ms. Smith,\nthank you for your order of paper,\nwhich we sent on Monday."
OTHER = "The committee has resolved to postpone\nthe vote until all of its members\nhave returned from Geneva."


class Scripted:
    """An engine that says what it is told to, by page number; it takes as many pages at once as `width` says."""

    finds_lines = False

    def __init__(self, texts: dict[int, str], width: int = 2) -> None:
        self.info, self.width, self._texts = EngineInfo("scripted", "none", None, "1"), width, texts

    def estimate(self) -> int:
        return 1000

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        report(LoadProgress("ready"))

    def apply(self, settings: Settings) -> None: ...

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        while (page := pages.take(wait=True)) is not None:
            more = [pages.take(wait=False) for _ in range(self.width - 1)]
            for taken in filter(None, (page, *more)):
                said = self._texts.get(taken.number)
                if said is None:
                    yield PageFailure(taken.key, Reason.NO_TEXT, "nothing")
                else:
                    yield PageText(taken.number, taken.width, taken.height, said, said)

    def trim(self) -> None: ...

    def unload(self) -> None: ...

    def mlx_memory(self) -> MlxMemory | None:
        return None


def letter(number: int, text: str = LETTER) -> Page:
    return Page(number, page_picture(700, 200, text))


@pytest.fixture
def beside() -> Iterator[Callable[..., Beside]]:
    """A function that gives the scripted engine with a loaded second reader."""
    made: list[Beside] = []

    def make(texts: dict[int, str], width: int = 2, signals: Signals | None = None, **engine: str) -> Beside:
        settings = checked({"engine": engine}, "test")
        made.append(Beside(settings, signals or Signals(), lambda judge: Scripted(texts, width)))
        made[-1].load(lambda progress: None)
        return made[-1]

    yield make
    for engine in made:
        engine.unload()
        engine.unload()


def test_the_right_answer_is_confirmed_and_that_of_another_page_is_not(beside: Callable[..., Beside]) -> None:
    engine = beside({1: LETTER, 2: LETTER, 3: OTHER})
    found = engine.read(Pages([letter(1), letter(2, OTHER), letter(3, OTHER), letter(4)]))
    texts = {done.key.number: done for done in found}

    right, wrong, third, failed = texts[1], texts[2], texts[3], texts[4]
    assert isinstance(right, PageText) and isinstance(wrong, PageText) and isinstance(third, PageText)
    assert isinstance(failed, PageFailure)
    assert right.check == Check("rapidocr PP-OCRv6-small", 1.0) and not right.flags
    assert wrong.check is not None and wrong.check.agreement is not None and wrong.check.agreement < 0.3
    assert wrong.flags == ("disagree",) and wrong.text == LETTER
    assert "thank you for your order" in wrong.check.unconfirmed[0].text
    assert "committee has resolved" in wrong.check.missing[0].text and wrong.check.missing[0].box
    assert third.check is not None and not third.check.disagrees


def test_another_prompt_is_not_checked(beside: Callable[..., Beside]) -> None:
    (text,) = beside({1: "A letter."}, prompt="describe").read(Pages([letter(1)]))

    assert isinstance(text, PageText) and text.check is None


def test_a_page_that_the_second_reader_fails_on_is_read_all_the_same(beside: Callable[..., Beside]) -> None:
    image = Image.new("RGB", (40, 40))
    image.close()
    (text,) = beside({1: LETTER}).read(Pages([Page(1, _Closed(image))]))  # type: ignore[arg-type]

    assert isinstance(text, PageText) and (text.text, text.check) == (LETTER, None)


class _Closed:
    """A picture that cannot be looked at any more."""

    width = height = 40

    def __init__(self, image: Image.Image) -> None:
        self.convert = image.convert


@pytest.mark.parametrize("width", [1, 3])
def test_a_text_leaves_before_the_next_page_is_waited_for(beside: Callable[..., Beside], width: int) -> None:
    """The worker gives the next page perhaps only when somebody drops it."""
    left: list[int] = []

    class Later:
        def __init__(self) -> None:
            self.coming = [letter(2), letter(1)]

        def take(self, *, wait: bool) -> Page | None:
            if wait and len(left) < 2 - len(self.coming):
                pytest.fail("a text is held back while the engine waits")
            return self.coming.pop() if wait and self.coming else None

    for done in beside({1: LETTER, 2: LETTER}, width).read(Later()):
        left.append(done.key.number)
    assert left == [1, 2]


def test_a_text_does_not_wait_for_ever(beside: Callable[..., Beside]) -> None:
    engine = beside({1: LETTER}, page_timeout="1ms")
    (text,) = engine.read(Pages([letter(1)]))

    assert isinstance(text, PageText) and (text.text, text.check) == (LETTER, None)


def test_a_stop_goes_through(beside: Callable[..., Beside]) -> None:
    signals = Signals()
    engine = beside({1: LETTER}, signals=signals)
    signals.stop.set()

    with pytest.raises(Stopped), closing(engine.read(Pages([letter(1)]))) as found:  # type: ignore[type-var]
        next(found)


def test_its_memory_counts(beside: Callable[..., Beside]) -> None:
    assert beside({}).estimate() == 1000 + ESTIMATE_BYTES
