"""The PP-OCR sessions: where lines are, and what a line says.

It owns rapidocr's objects, their quiet and their threads; it does not choose scales, turn pages or order lines. The
weights are the ones inside the rapidocr wheel, named by path, so that its downloader is never reached.
"""

import importlib.util
import logging
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.ppocr.pixels import Pixels
from dropscribe.engines.ppocr.regions import LayoutModel
from dropscribe.engines.ppocr.runtime import processors, session
from dropscribe.layout.marks import Region

log = logging.getLogger(__name__)

MODEL = "PP-OCRv6-small"
DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"


class Read(NamedTuple):
    """What one line says, how sure the recogniser is (0 to 1), and where each character stands.

    `places` has one share of the line's width (0 to 1) for each character of `text`; it is empty where unknown.
    """

    text: str
    confidence: float
    places: tuple[float, ...] = ()


class Sessions:
    """Detector and recogniser, built on first use or by `load`, gone after `close`. Several threads may use them.

    The detector takes one picture at a time, with a thread on each processor; the recogniser one line at a time on
    each of them. Lines in batches are padded to the longest and wait for each other: measured with two processors,
    single ones take 8 % less processor time and a third less memory, and read the same whatever stands beside them.
    """

    def __init__(self) -> None:
        self._ocr: Any = None
        self._recognisers: ThreadPoolExecutor | None = None
        self._layout = LayoutModel()
        self._loading, self._whole_page = Lock(), Lock()

    def load(self) -> None:
        """Build both sessions and run each once; raise `ReasonedError` when the package or its weights are missing."""
        with self._loading:
            if self._ocr is not None:
                return
            models = _models_folder()
            try:
                self._ocr = _warm(_rapidocr(models))
            except ImportError as error:
                raise ReasonedError(Reason.ENGINE_UNAVAILABLE, f"rapidocr cannot be imported: {error}.") from error
            except Exception as error:  # whatever onnxruntime has against a file, it says with classes of its own
                what = f"rapidocr's weights do not load: {_last_line(error)}."
                raise ReasonedError(Reason.MODEL_BROKEN, what) from error
            self._recognisers = ThreadPoolExecutor(processors(), "recogniser")

    def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        if self._recognisers is not None:
            self._recognisers.shutdown(cancel_futures=True)
        self._ocr = self._recognisers = None
        self._layout.close()

    def regions(self, picture: Pixels) -> tuple[Region, ...]:
        """Return the regions of *picture*; none where the layout model is not installed, or fails on it."""
        try:
            with self._whole_page:
                return self._layout.regions(picture)
        except Exception as error:  # evidence only: whatever onnxruntime has against it, the page is read all the same
            log.debug("the layout model failed: %s", _last_line(error))
            return ()

    def detect(self, picture: Pixels) -> NDArray[np.float32]:
        """Return the quads of text lines (n x 4 x 2, in pixels of *picture*); raise `ReasonedError` (engine-error)."""
        self.load()
        with self._whole_page:
            found = _guarded(self._ocr.text_det, picture)
        return np.zeros((0, 4, 2), np.float32) if found.boxes is None else np.asarray(found.boxes, np.float32)

    def recognise(self, lines: Sequence[Pixels]) -> Generator[Read]:
        """Yield text and confidence of each of *lines*, in their order; raise `ReasonedError` (engine-error).

        Closed before its end, it reads no further line.
        """
        self.load()
        assert self._recognisers is not None
        yield from self._recognisers.map(self._recognised, lines)

    def _recognised(self, line: Pixels) -> Read:
        found = _guarded(self._ocr.recognize_txt, [line])
        text = found.txts[0].strip()
        return Read(text, float(found.scores[0]), _places(text, found.word_results[0]))


def _places(text: str, words: Any) -> tuple[float, ...]:
    """Return where each character of *text* stands, from the recogniser's columns (rapidocr's `WordInfo`)."""
    columns = iter([column for word in words.word_cols for column in word])
    places: list[float] = []
    for character in text:
        before = places[-1] if places else 0.0
        places.append(before if character.isspace() else (next(columns, 0) + 0.5) / max(1.0, words.line_txt_len))
    return tuple(places)


def _rapidocr(models: str) -> Any:
    """Return a silent RapidOCR object without its line classifier, which turns upright lines over (measured)."""
    from omegaconf import flag_override
    from rapidocr import RapidOCR

    ocr = RapidOCR(
        params={
            "Global.log_level": "critical",  # it logs every step, in colours
            "Global.use_cls": False,
            "Global.use_vertical_padding": False,  # the view already has a margin, of the page's own colour
            "Det.limit_side_len": 32,  # the view already has its scale
        }
    )
    ocr.return_word_box = True  # only a call as a whole takes it as an argument
    with flag_override(ocr.cfg, "allow_objects", True):  # sessions of one's own (RapidOCR's pull request 451)
        ocr.cfg.Det.session = session(os.path.join(models, DETECTOR), processors())
        ocr.cfg.Rec.session = session(os.path.join(models, RECOGNISER), 1)
    return ocr


def _warm(ocr: Any) -> Any:
    """Return *ocr* with both sessions built (it builds them when they are first used) and used once."""
    from rapidocr.main import RapidOCRError

    blank = np.full((64, 64, 3), 255, np.uint8)
    ocr.recognize_txt([blank])
    try:
        ocr.detect_and_crop(blank, {})
    except RapidOCRError:
        pass  # it says so when a picture is empty, as this one is
    return ocr


def _models_folder() -> str:
    """Return the folder of the weights inside the rapidocr package, checked to hold both."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ReasonedError(Reason.ENGINE_UNAVAILABLE, "The package rapidocr is not installed.")
    folder = os.path.join(spec.submodule_search_locations[0], "models")
    for name in (DETECTOR, RECOGNISER):
        if not os.path.isfile(os.path.join(folder, name)):
            raise ReasonedError(Reason.MODEL_MISSING, f"The package rapidocr came without its weights {name}.")
    return folder


def _guarded(call: Any, argument: Any) -> Any:
    try:
        return call(argument)
    except Exception as error:  # onnxruntime's faults come wrapped in a plain Exception, and so does cv2.error
        raise ReasonedError(Reason.ENGINE_ERROR, f"The text engine failed: {_last_line(error)}.") from error


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
