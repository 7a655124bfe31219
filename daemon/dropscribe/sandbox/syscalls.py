"""The system calls that decoders make, and those that only an attack makes, with their numbers.

x86_64: arch/x86/entry/syscalls/syscall_64.tbl; aarch64: include/uapi/asm-generic/unistd.h. None: not there. What
reaches a filter must be one of them: calls that open, start or reach anything are left out, or looked at (`seccomp`).
"""

import platform
from dataclasses import dataclass

# Name, number on x86_64, number on aarch64: what every decoder may do at any time.
ALLOWED: tuple[tuple[str, int | None, int | None], ...] = (
    # descriptors that are open already
    ("read", 0, 63), ("write", 1, 64), ("readv", 19, 65), ("writev", 20, 66), ("pread64", 17, 67),
    ("pwrite64", 18, 68), ("close", 3, 57), ("lseek", 8, 62), ("fstat", 5, 80), ("dup", 32, 23), ("dup2", 33, None),
    ("dup3", 292, 24), ("pipe2", 293, 59), ("poll", 7, None), ("ppoll", 271, 73), ("select", 23, None),
    ("pselect6", 270, 72), ("sendmsg", 46, 211), ("recvmsg", 47, 212), ("sendto", 44, 206), ("recvfrom", 45, 207),
    ("ftruncate", 77, 46), ("fadvise64", 221, 223), ("getdents64", 217, 61),
    # what a name stands for, but nothing in it: how libraries look at a descriptor, too
    ("newfstatat", 262, 79), ("stat", 4, None), ("lstat", 6, None),
    # memory
    ("munmap", 11, 215), ("mremap", 25, 216), ("madvise", 28, 233), ("brk", 12, 214),
    # threads, and signals to this process
    ("rt_sigaction", 13, 134), ("rt_sigprocmask", 14, 135), ("rt_sigreturn", 15, 139), ("sigaltstack", 131, 132),
    ("futex", 202, 98), ("set_robust_list", 273, 99), ("set_tid_address", 218, 96), ("rseq", 334, 293),
    ("membarrier", 324, 283), ("sched_yield", 24, 124), ("sched_getaffinity", 204, 123), ("restart_syscall", 219, 128),
    ("exit", 60, 93), ("exit_group", 231, 94),
    # time, and what this process is
    ("nanosleep", 35, 101), ("clock_nanosleep", 230, 115), ("clock_gettime", 228, 113), ("clock_getres", 229, 114),
    ("gettimeofday", 96, 169), ("time", 201, None), ("times", 100, 153), ("getrusage", 98, 165), ("getpid", 39, 172),
    ("gettid", 186, 178), ("getuid", 102, 174), ("geteuid", 107, 175), ("getgid", 104, 176), ("getegid", 108, 177),
    ("getrlimit", 97, 163), ("getrandom", 318, 278), ("sysinfo", 99, 179), ("uname", 63, 160), ("getcpu", 309, 168),
)  # fmt: skip

# Those whose arguments decide; see `seccomp`.
JUDGED: tuple[tuple[str, int | None, int | None], ...] = (
    ("open", 2, None), ("openat", 257, 56), ("mmap", 9, 222), ("mprotect", 10, 226), ("clone", 56, 220),
    ("clone3", 435, 435), ("prlimit64", 302, 261), ("tgkill", 234, 131), ("fcntl", 72, 25), ("ioctl", 16, 29),
)  # fmt: skip

# Those that end the process at once: no decoder makes them by mistake.
DEADLY: tuple[tuple[str, int | None, int | None], ...] = (
    ("execve", 59, 221), ("execveat", 322, 281), ("ptrace", 101, 117), ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271), ("bpf", 321, 280), ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427), ("unshare", 272, 97), ("setns", 308, 268), ("mount", 165, 40),
    ("pivot_root", 155, 41), ("chroot", 161, 51), ("perf_event_open", 298, 241), ("userfaultfd", 323, 282),
    ("add_key", 248, 217), ("request_key", 249, 218), ("keyctl", 250, 219), ("kexec_load", 246, 104),
    ("init_module", 175, 105), ("finit_module", 313, 273),
)  # fmt: skip

X86_64, AARCH64 = 0xC000003E, 0xC00000B7  # AUDIT_ARCH_* of <linux/audit.h>


@dataclass(frozen=True)
class Table:
    """The numbers of one architecture."""

    architecture: int
    seccomp: int
    allowed: tuple[int, ...]
    judged: dict[str, int]
    deadly: tuple[int, ...]


def table(machine: str = platform.machine()) -> Table | None:
    """Return the numbers for a *machine* as `platform.machine()` names it; None for one that is not known here."""
    if machine not in ("x86_64", "aarch64"):
        return None
    column = 1 if machine == "x86_64" else 2

    def numbers(rows: tuple[tuple[str, int | None, int | None], ...]) -> dict[str, int]:
        return {str(row[0]): number for row in rows if isinstance(number := row[column], int)}

    return Table(
        X86_64 if column == 1 else AARCH64, 317 if column == 1 else 277, tuple(numbers(ALLOWED).values()),
        numbers(JUDGED), tuple(numbers(DEADLY).values()),
    )  # fmt: skip
