"""Giving MLX's memory back: the order that really frees it, and the last act of a thread.

All of it on the thread that loaded and generated. What the process as a whole keeps (code, libraries, the driver's
share) only its exit returns; that is the host's business. Source of the order: MLX issues on pools, streams and
pinned inputs, gathered in the project's notes; each step below says what it is for.
"""

import gc
import sys
from types import ModuleType

from dropscribe.core.status import MlxMemory
from dropscribe.memory.malloc import malloc_relief

ACTIVE_REST = 64 << 20  # bytes that may stay active: compiled kernels and constants
ROUNDS = 8  # each pass may let go of what the one before only dropped into the pool


def release() -> MlxMemory | None:
    """Free everything that nobody refers to any more and return what is left; None where MLX was never imported."""
    _forget_last_error()
    gc.collect()
    mx = sys.modules.get("mlx.core")
    if mx is None:
        malloc_relief()
        return None
    # A load with no work after it keeps its memory on some drivers; one tiny operation puts that right.
    mx.eval(mx.zeros(1) + 1)
    _drain(mx)
    gc.collect()
    _empty_pool(mx)
    mx.reset_peak_memory()
    malloc_relief()
    return memory()


def trim() -> None:
    """Empty the pool and keep what is referred to."""
    gc.collect()
    if (mx := sys.modules.get("mlx.core")) is not None:
        mx.clear_cache()
    malloc_relief()


def memory() -> MlxMemory | None:
    """Return MLX's own figures in bytes, or None where it was never imported."""
    mx = sys.modules.get("mlx.core")
    if mx is None:
        return None
    return MlxMemory(mx.get_active_memory(), mx.get_cache_memory(), mx.get_peak_memory())


def finish_thread() -> None:
    """Destroy this thread's streams: its last act with MLX, which must not be used on it afterwards."""
    mx = sys.modules.get("mlx.core")
    if mx is not None and hasattr(mx, "clear_streams"):
        _drain(mx)
        mx.clear_streams()


def _forget_last_error() -> None:
    """Let go of the last error shown: its traceback refers to frames, and these to arrays."""
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)


def _drain(mx: ModuleType) -> None:
    """Wait for all work: inputs of work in flight would drop into the pool after it has been emptied."""
    common = sys.modules.get("mlx_vlm.generate.common")
    if common is not None:
        mx.synchronize(common.generation_stream)  # a plain synchronize misses this one
    mx.synchronize()


def _empty_pool(mx: ModuleType) -> None:
    before = -1
    for _ in range(ROUNDS):
        mx.clear_cache()
        active, cache = mx.get_active_memory(), mx.get_cache_memory()
        if (active < ACTIVE_REST and cache == 0) or active + cache == before:
            return
        before = active + cache
        gc.collect()


def reset_peak() -> None:
    """Reset MLX's peak memory, so that it is that of the current page."""
    if (mx := sys.modules.get("mlx.core")) is not None:
        mx.reset_peak_memory()
