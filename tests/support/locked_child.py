"""A process that locks itself as a decoder does and then attacks: run as a program, it says what was not refused.

The kernel can be made to lack calls first, as old ones and containers do.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dropscribe

LANDLOCK, SECCOMP = 444, {"x86_64": 317, "aarch64": 277}[os.uname().machine] if sys.platform == "linux" else 0


def attack(folder: Path, name: str = "", without: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a locked process in which the calls *without* fail; it does everything, or only what has that *name*."""
    (folder / "document").write_bytes(b"%PDF-1.4")
    environment = {**os.environ, "PYTHONPATH": str(Path(dropscribe.__file__).parents[1]), "SECRET": "hidden"}
    command = [sys.executable, __file__, str(folder), name, json.dumps(without)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def deny(*numbers: int) -> None:
    """Let these calls fail from now on, in this process and its children."""
    code = struct.pack("HBBI", 0x20, 0, 0, 0)
    for number in numbers:
        code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, 0x50000 | errno.EOPNOTSUPP)
    code += struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    text = ctypes.create_string_buffer(code)
    program, libc = Program(len(code) // 8, ctypes.addressof(text)), ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
        sys.exit("this kernel lets nobody filter calls")


def attacks(folder: str, document: int) -> dict[str, Callable[[], Any]]:
    """Return what an exploit would try beside what `doctor` tries."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *values: Any) -> None:
        if getattr(libc, name)(*values) < 0:
            raise OSError(ctypes.get_errno(), name)

    return {
        "write to its document": lambda: os.open(f"/proc/self/fd/{document}", os.O_RDWR),
        "truncate a file": lambda: os.truncate(os.path.join(folder, "document"), 0),
        "read its environment": lambda: os.open("/proc/self/environ", os.O_RDONLY),
        "read the memory of its parent": lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
        "make a folder": lambda: os.mkdir(os.path.join(folder, "made")),
        "rename": lambda: os.rename(os.path.join(folder, "document"), os.path.join(folder, "moved")),
        "link": lambda: os.link(os.path.join(folder, "document"), os.path.join(folder, "linked")),
        "change rights": lambda: os.chmod(os.path.join(folder, "document"), 0o777),
        "a pair of sockets": socket.socketpair,
        "memory that runs": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
        "memory of others": lambda: os.memfd_create("x"),
        "own signals for others": lambda: call("fcntl", document, 8, os.getppid()),
        "signals by thread": lambda: call("tgkill", os.getppid(), os.getppid(), 0),
        "core files": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        "another root": lambda: call("chdir", b"/"),
        "a trace of its parent": lambda: call("prctl", 0x59616D61, -1, 0, 0, 0),  # PR_SET_PTRACER
        "more address space": lambda: bytearray(3 << 30),
        "a long file": lambda: os.posix_fallocate(document, 0, 1 << 30),
    }


DEADLY: dict[str, Callable[[], Any]] = {
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "ptrace": lambda: ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0),
    "unshare": lambda: ctypes.CDLL(None).unshare(0x10000000),
    "mount": lambda: ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None),
}


def main() -> None:
    from dropscribe.sandbox import trial
    from dropscribe.sandbox.lock import lock

    folder, name, without = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    document, out = os.open(os.path.join(folder, "document"), os.O_RDONLY), os.dup(1)
    tried = trial.attempts(folder) | attacks(folder, document)
    if without:
        deny(*without)
    lacking = lock(trial.LIMITS, document)
    if name:
        DEADLY[name]()
    own = os.read(os.open(f"/proc/self/fd/{document}", os.O_RDONLY), 8).decode()
    found = {"lacking": lacking, "succeeded": trial.succeeded(tried), "document": own}
    os.write(out, json.dumps(found).encode())


if __name__ == "__main__":
    main()
