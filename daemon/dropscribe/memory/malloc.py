"""Asking the C library to hand free pages back to the system. It frees nothing that is still referred to."""

import ctypes
from typing import Any


def malloc_relief(library: Any = None) -> None:
    """Return malloc's free memory to the system (`malloc_zone_pressure_relief` or glibc's `malloc_trim`); never fails.

    *library* is the loaded C library, this process's own by default; one that has neither call (musl) is left alone.
    """
    library = ctypes.CDLL(None) if library is None else library
    if (relieve := getattr(library, "malloc_zone_pressure_relief", None)) is not None:
        relieve.argtypes, relieve.restype = [ctypes.c_void_p, ctypes.c_size_t], ctypes.c_size_t
        relieve(None, 0)
    elif (trim := getattr(library, "malloc_trim", None)) is not None:
        trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
        trim(0)
