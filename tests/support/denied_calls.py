"""Moves in a process whose kernel lacks some calls, as file systems of shares and sticks do."""

import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import dropscribe

# A child in which the kernel really refuses some calls, as file systems without them do: a seccomp filter answers
# renameat2 (and linkat) with the given errno. Loaded before dropscribe; prints how the move ended.
CHILD = r"""
import ctypes, json, os, struct, sys
denied, old, new = json.loads(sys.argv[1]), bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
code = struct.pack("HBBI", 0x20, 0, 0, 0)
for number, error in denied:
    code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | error)
code += struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
text = ctypes.create_string_buffer(code)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(code) // 8, ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
    print("no filter"); sys.exit()
from dropscribe.files import durable
try:
    durable.rename(old, new)
    print("moved")
except OSError as error:
    print(type(error).__name__)
"""
CALLS = {"x86_64": (316, 265), "aarch64": (276, 37)}  # renameat2, linkat
NO_RENAME = "renameat2"
NO_LINK = "renameat2 and linkat"


def rename_where_denied(missing: str, error: int, old: bytes, new: bytes) -> str:
    """Return how `durable.rename` ends in a process for which the kernel refuses the *missing* calls with *error*."""
    if sys.platform != "linux" or platform.machine() not in CALLS:
        pytest.skip("needs seccomp")
    renameat2, linkat = CALLS[platform.machine()]
    denied = [(renameat2, error)] + ([(linkat, errno.EPERM)] if missing == NO_LINK else [])
    source_root = str(Path(dropscribe.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(denied), old.hex(), new.hex()],
        env={**os.environ, "PYTHONPATH": source_root}, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    if done.stdout.strip() == "no filter":
        pytest.skip("this kernel lets nobody filter calls")
    return done.stdout.strip()
