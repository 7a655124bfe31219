"""What the C library does with freed memory, asked of a real one in a process of its own."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dropscribe.memory.malloc import keep_freed

CHILD = """
import resource, sys
from dropscribe.memory.malloc import keep_freed, malloc_relief

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"x") * (40 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20

if sys.argv[1] == "keep":
    keep_freed()
faults()
again, held = faults(), resident()
malloc_relief()
print(again, held, resident())
"""


def seen(how: str) -> list[int]:
    """Return page faults of the second of two equal pieces of 40 MB, and MB resident before and after the relief."""
    line = [sys.executable, "-c", CHILD, how]
    return [int(word) for word in subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.split()]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_is_freed_is_kept_for_the_next_and_handed_back_when_asked() -> None:
    """Otherwise each piece is fetched anew, 4 KB at a time."""
    usual, _, _ = seen("usual")
    kept, held, relieved = seen("keep")

    assert kept < 100 < 5000 < usual
    assert held - relieved > 30


def test_a_library_without_the_call_is_left_alone() -> None:
    """As musl and the Mac's."""
    keep_freed(SimpleNamespace())
