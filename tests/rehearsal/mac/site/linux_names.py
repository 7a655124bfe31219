"""What Linux has and macOS has not, by name: removed from the standard library before anything can look for it."""

import importlib

ABSENT = {
    "os": """O_TMPFILE O_PATH O_DIRECT O_LARGEFILE O_NOATIME O_RSYNC posix_fallocate posix_fadvise sched_getaffinity
        sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_rr_get_interval
        pidfd_open eventfd eventfd_read eventfd_write memfd_create splice tee copy_file_range getrandom listxattr
        getxattr setxattr removexattr setns unshare getresuid getresgid setresuid setresgid fdatasync pipe2 P_PIDFD
        statx SCHED_BATCH SCHED_IDLE""",
    "select": "epoll",
    "socket": """SOCK_CLOEXEC SOCK_NONBLOCK SO_PEERCRED SO_PASSCRED SCM_CREDENTIALS AF_NETLINK MSG_NOSIGNAL SO_DOMAIN
        SO_PROTOCOL""",
    "signal": "SIGSTKFLT SIGPWR SIGPOLL SIGCLD SIGRTMIN SIGRTMAX sigtimedwait sigwaitinfo pidfd_send_signal",
    "resource": "prlimit",
    "fcntl": """F_NOTIFY F_SETLEASE F_GETLEASE F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_OFD_GETLK F_OFD_SETLK
        F_OFD_SETLKW""",
}
PREFIXES = ("POSIX_FADV_", "EFD_", "MFD_", "SPLICE_", "XATTR_", "CLONE_", "RWF_", "PIDFD_", "GRND_")
# Functions of Linux's C library that `ctypes` must not find.
ABSENT_CALLS = ("prctl", "renameat2", "malloc_trim", "sched_getaffinity", "memfd_create", "inotify_init", "syscall")
# These choose by platform when they are imported: they have to be there before the platform changes.
FIRST = ("ctypes", "importlib.util", "platform", "shutil", "stat", "subprocess", "tempfile", "psutil", "sqlite3")
LIBRARIES = (
    "cv2", "numpy", "onnxruntime", "pypdfium2", "pikepdf", "pi_heif", "PIL.Image",
    "mlx.core", "mlx_vlm.generate", "mlx_vlm.prompt_utils", "transformers",
)  # fmt: skip


def remove() -> None:
    """Take the names away."""
    for module, names in ABSENT.items():
        namespace = vars(importlib.import_module(module))
        for name in [*names.split(), *(n for n in list(namespace) if n.startswith(PREFIXES))]:
            namespace.pop(name, None)


def preload(*, worker: bool) -> None:
    """Import what belongs to Linux while it still is Linux; *worker*: also the libraries that run models."""
    for name in (*FIRST, *(LIBRARIES if worker else ())):
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # the engine says so itself, if it wants it
