"""The disk thread: results come back in order, and a disk that does not answer keeps nobody from ending."""

import subprocess
import sys
from collections.abc import Callable

from dropscribe.files.disk_thread import DiskThread
from support.harness import wait_for


def fail(error: Exception) -> None:
    raise AssertionError("this must not fail") from error


def test_results_and_errors_come_back_where_they_are_collected_in_order() -> None:
    woken: list[int] = []
    told: list[object] = []
    disk = DiskThread(lambda: woken.append(1))

    def broken() -> None:
        raise OSError("no such disk")

    asked: list[Callable[[], object]] = [lambda: 1, broken, lambda: 3]
    for request in asked:
        disk.ask(request, told.append, lambda error: told.append(str(error)))
    wait_for(lambda: len(woken) == 3, "all are done")
    assert told == [] and disk.pending == 3
    disk.collect()

    assert told == [1, "no such disk", 3] and disk.pending == 0
    disk.close()
    disk.close()


def test_what_has_not_begun_is_dropped_at_the_end() -> None:
    done: list[int] = []
    disk = DiskThread(lambda: None)
    disk.close()
    disk.ask(lambda: done.append(1), lambda result: None, fail)

    assert done == []


def test_a_process_ends_while_a_request_hangs() -> None:
    code = (
        "import os; from dropscribe.files.disk_thread import DiskThread;"
        "ends = os.pipe(); disk = DiskThread(lambda: None);"
        "disk.ask(lambda: os.read(ends[0], 1), print, print); disk.close(); print('over', flush=True)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)

    assert (result.returncode, result.stdout) == (0, "over\n")
