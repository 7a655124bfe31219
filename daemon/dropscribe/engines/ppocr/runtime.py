"""How onnxruntime runs here: on which processors, and what its sessions keep between two calls."""

import os
from typing import Any


def processors() -> int:
    """Return how many processors this process may use (onnxruntime counts those of the whole machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def session(path: str, threads: int) -> Any:
    """Return an onnxruntime session of the weights at *path* that keeps no memory and no processor between calls.

    By default its threads spin while they wait for work: measured with two processors, 9 % of a page's processor
    time, which the decoder of the next page needs.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return InferenceSession(path, options, providers=["CPUExecutionProvider"])
