"""The memory of a real worker process, as the system maps it."""

import platform
import re
from itertools import pairwise
from pathlib import Path

import pytest

from support.harness import Daemon

HEAP = 64 << 20  # bytes that glibc sets aside for the heap of a further thread
MAPPED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) ([-rwxp]{4}) 0+ 00:00 0 *$", re.MULTILINE)


def heaps(pid: int) -> list[int]:
    """Return where glibc has heaps for single threads in process *pid*: an aligned used part, then a reserved one."""
    found = [(int(a, 16), int(b, 16), how) for a, b, how in MAPPED.findall(Path(f"/proc/{pid}/maps").read_text())]
    return [
        used[0]
        for used, reserved in pairwise(found)
        if used[0] % HEAP == 0 and used[1] == reserved[0] and reserved[1] - used[0] == HEAP and reserved[2] == "---p"
    ]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_the_threads_of_a_worker_share_one_heap(tmp_path: Path) -> None:
    """Else each keeps what a page took: the rule is made before there is a thread."""
    with Daemon(tmp_path, model={"idle_timeout": "never"}) as daemon:
        daemon.start()
        daemon.read_one()
        (worker,) = daemon.workers()

        assert heaps(worker) == []
