"""The raw answers of every native call that Dropscribe makes on a Mac: for a maintainer who has none.

Bytes are given as hexadecimal text, before anything of ours has taken them apart.
"""

import ctypes
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from dropscribe.config import spelling
from dropscribe.files import durable, native, regular
from dropscribe.memory import macos, malloc, readings

SYSCTLS = {
    "kern.memorystatus_vm_pressure_level": 4, "kern.memorystatus_level": 4, "hw.memsize": 8, "vm.swapusage": 32,
    "sysctl.proc_translated": 4,
}  # fmt: skip


def answers() -> dict[str, Any]:
    """Make every call once and return its answer by name, or the error that it ended with."""
    return {name: _answer(call) for name, call in _calls()}


def _calls() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "page size", lambda: os.sysconf("SC_PAGE_SIZE")
    yield "readings", lambda: {
        "room": str(readings.room()), "available": str(readings.available()), "pressure": readings.pressure(),
        "figures": str(readings.figures()), "footprint": readings.footprint(os.getpid()),
    }  # fmt: skip
    if sys.platform == "darwin":
        for name, size in SYSCTLS.items():
            yield f"sysctlbyname {name}", partial(_sysctl, name, size)
        yield "proc_pid_rusage", lambda: _hex(macos.rusage(ctypes.CDLL(macos.LIBPROC, use_errno=True), os.getpid()))
        yield "host_statistics64", lambda: _hex(macos.vm_statistics(macos.system(), macos.host_port()))
        yield "setiopolicy_np", lambda: macos.set_dataless_policy(macos.system())
    yield "malloc relief", malloc.malloc_relief
    with tempfile.TemporaryDirectory(prefix="dropscribe-report-") as folder:
        yield from _on_disk(folder)


def _sysctl(name: str, size: int) -> str | None:
    return _hex(macos.sysctl(macos.system(), name, size))


def _on_disk(folder: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the calls that want a file: made in a temporary folder, so that no file of the user's is touched."""
    path = os.fsencode(os.path.join(folder, "Case"))
    durable.write(path, b"x" * 65536)
    yield "true path", lambda: spelling.on_disk(folder.upper() if sys.platform == "darwin" else folder)
    yield "flush, seconds", lambda: _timed(lambda: durable.sync_file(path))
    yield "copy", lambda: _copied(path)
    yield "rename", lambda: durable.rename(path + b"-copied", path + b"-renamed")
    yield "rename over another", lambda: durable.rename(path, path + b"-renamed")
    yield "minds case", lambda: not os.path.exists(path.lower())


def _copied(path: bytes) -> None:
    with regular.opened(path) as source, regular.created(path + b"-copied", None, 0o600) as target:
        native.copy(source, target)


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # whatever it is, it is what the report is for
        return f"{type(error).__name__}: {error}"


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def _timed(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return round(time.perf_counter() - begun, 4)


def hardware() -> dict[str, Any]:
    """Return what kind of machine this is; nothing that tells one from another of its kind."""
    names = {"model": ("hw.model", 32), "processor": ("machdep.cpu.brand_string", 64)}
    told: dict[str, Any] = {"machine": platform.machine(), "system": platform.system(), "release": platform.release()}
    if sys.platform == "darwin":
        told["macos"] = platform.mac_ver()[0]
        told |= {key: macos.text(macos.system(), name, room) for key, (name, room) in names.items()}
    return told
