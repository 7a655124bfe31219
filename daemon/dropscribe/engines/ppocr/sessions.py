"""The PP-OCR sessions: where lines are, and what a line says.

It owns rapidocr's objects and their quiet; it does not choose scales, turn pages or order lines. The weights are
the ones inside the rapidocr wheel, named by path, so that its downloader is never reached.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.ppocr.pixels import Pixels

MODEL = "PP-OCRv6-small"
DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
BATCH = 6  # lines that the recogniser takes at once (rapidocr's default)

Read = tuple[str, float]  # text, confidence 0 to 1


def threads() -> int:
    """Return how many processors this process may use (onnxruntime counts those of the whole machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Sessions:
    """Detector and recogniser, built on first use or by `load`, gone after `close`."""

    def __init__(self) -> None:
        self._ocr: Any = None

    def load(self) -> None:
        """Build both sessions and run each once; raise `ReasonedError` when the package or its weights are missing."""
        if self._ocr is not None:
            return
        models = _models_folder()
        try:
            self._ocr = _warm(_rapidocr(models))
        except ImportError as error:
            raise ReasonedError(Reason.ENGINE_UNAVAILABLE, f"rapidocr cannot be imported: {error}.") from error
        except Exception as error:  # whatever onnxruntime has against a file, it says with classes of its own
            raise ReasonedError(Reason.MODEL_BROKEN, f"rapidocr's weights do not load: {_last_line(error)}.") from error

    def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        self._ocr = None

    def detect(self, picture: Pixels) -> NDArray[np.float32]:
        """Return the quads of text lines (n x 4 x 2, in pixels of *picture*); raise `ReasonedError` (engine-error)."""
        self.load()
        found = _guarded(self._ocr.text_det, picture)
        return np.zeros((0, 4, 2), np.float32) if found.boxes is None else np.asarray(found.boxes, np.float32)

    def recognise(self, lines: Sequence[Pixels]) -> Iterator[Read]:
        """Yield text and confidence of each of *lines*, a batch at a time; raise `ReasonedError` (engine-error)."""
        self.load()
        for start in range(0, len(lines), BATCH):
            found = _guarded(self._ocr.recognize_txt, list(lines[start : start + BATCH]))
            yield from ((text.strip(), float(score)) for text, score in zip(found.txts, found.scores, strict=True))


def _rapidocr(models: str) -> Any:
    """Return a silent RapidOCR object without its line classifier, which turns upright lines over (measured)."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",  # it logs every step, in colours
            "Global.use_cls": False,
            "Global.use_vertical_padding": False,  # the view already has a margin, of the page's own colour
            "Det.model_path": os.path.join(models, DETECTOR),
            "Rec.model_path": os.path.join(models, RECOGNISER),
            "Det.limit_side_len": 32,  # the view already has its scale
            "Rec.rec_batch_num": BATCH,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads(),
        }
    )


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
