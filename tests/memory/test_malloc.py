"""What the C library does with freed memory, asked of a real one in a process of its own."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dropscribe.memory.malloc import keep_freed, one_heap

CHILD = """
import resource, sys, threading
from dropscribe.memory.malloc import keep_freed, malloc_relief, one_heap

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"x") * (40 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20

if sys.argv[1] == "threads":
    one_heap()
if sys.argv[1] != "usual":
    keep_freed()
faults()
if sys.argv[1] == "threads":
    found = []
    thread = threading.Thread(target=lambda: found.append(faults()))
    thread.start()
    thread.join()
else:
    found = [faults()]
held = resident()
malloc_relief()
print(*found, held, resident())
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_in_one_heap_what_is_kept_is_there_for_every_thread() -> None:
    """With a heap of its own each would fetch it, and keep it, once more."""
    fetched, held, _ = seen("threads")

    assert fetched < 100
    assert held < 80


def test_a_library_without_the_call_is_left_alone() -> None:
    """As musl and the Mac's."""
    keep_freed(SimpleNamespace())
    one_heap(SimpleNamespace())
