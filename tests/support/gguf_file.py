"""Writes GGUF, the file format of llama.cpp's models: header, values, tensors, in version 3. Only what tests need."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ALIGN = 32  # bytes
F32 = 0  # the type of every tensor here
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def write(path: Path, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Write a model; whole numbers become uint32, lists of them int32, fractions float32."""
    tensors = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)))
        for key, value in values.items():
            file.write(_string(key) + _value(value))
        place = 0
        for name, tensor in tensors.items():
            shape = tensor.shape[::-1]
            file.write(_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, F32, place))
            place += -(-tensor.nbytes // ALIGN) * ALIGN
        for tensor in tensors.values():
            file.write(bytes(-file.tell() % ALIGN))
            file.write(tensor.tobytes())


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    kind = {int: INT32, float: FLOAT32, str: STRING}[type(value[0])]
    items = b"".join(_string(v) if kind == STRING else struct.pack("<i" if kind == INT32 else "<f", v) for v in value)
    return struct.pack("<IIQ", ARRAY, kind, len(value)) + items
