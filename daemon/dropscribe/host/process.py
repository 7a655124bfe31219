"""The worker as a process: start it, hear it, end it with everything it started. It knows no states.

`Popen` and not multiprocessing, whose resource tracker is a stray child of its own. The worker leads a process group,
so that grandchildren go with it, and its pid is recorded, so that a leftover of a killed daemon can be ended.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

from dropscribe.core.framing import BrokenStream, Inbound, pack, receive
from dropscribe.core.protocol import ToDaemon, ToWorker
from dropscribe.files import durable

COMMAND = (sys.executable, "-m", "dropscribe.worker.main")
RECORD = "worker.json"
SAME_START, SAME_BOOT = 2.0, 60.0  # seconds
NOISE = "worker.log"  # what native code of the worker prints; emptied for each worker


class WorkerProcess:
    """A running worker and our end of the socket pair."""

    def __init__(self, state: str, command: Sequence[str] = COMMAND) -> None:
        ours, theirs = socket.socketpair()
        noise = os.open(os.path.join(state, NOISE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], process_group=0,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=noise,
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()  # or a dead worker would never be noticed
            os.close(noise)
        ours.setblocking(False)
        self._state, self._ours = state, ours
        self._inbound: Inbound[ToDaemon] = Inbound(ToDaemon)
        self._unsent = bytearray()
        self.pid = self._process.pid
        try:
            record = {"pid": self.pid, "started": _started(self.pid), "booted": psutil.boot_time()}
            durable.write(os.path.join(state, RECORD), json.dumps(record).encode())
        except OSError:
            self.close()  # a worker that nobody could find again must not be
            raise

    def fileno(self) -> int:
        """Return what to select on; -1 once closed."""
        return self._ours.fileno()

    @property
    def has_unsent(self) -> bool:
        """Say whether the worker was too slow for what we have to say."""
        return bool(self._unsent)

    def send(self, message: ToWorker) -> None:
        """Queue a message; a worker that is gone is noticed on reading."""
        self._unsent += pack(message)
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes."""
        try:
            while self._unsent:
                del self._unsent[: self._ours.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()

    def hear(self) -> list[ToDaemon] | None:
        """Return the messages that have come; None when the worker has closed its end or talks nonsense."""
        try:
            return receive(self._ours, self._inbound)
        except (BrokenStream, OSError):
            return None

    def hang_up(self) -> None:
        """Tell the worker that nothing more will come; its own end stays readable."""
        try:
            self._ours.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def exit_code(self) -> int | None:
        """Return how the process ended, or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker; SIGKILL goes to its whole group."""
        try:
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                self._process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            pass  # gone; macOS says so of a group of zombies with EPERM

    def close(self) -> None:
        """End whatever is left, reap, forget; may be called twice."""
        self.signal(signal.SIGKILL)  # grandchildren too: the group outlives its leader
        self._process.wait()
        self._ours.close()
        try:
            os.unlink(os.path.join(self._state, RECORD))
        except FileNotFoundError:
            pass

    def last_words(self) -> str:
        """Return the last line that native code of the worker printed."""
        try:
            with open(os.path.join(self._state, NOISE), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 2000))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:300] if lines else ""


def end_leftover(state: str) -> int | None:
    """End the worker that a killed daemon left behind, with its group; return its pid, or None if there was none."""
    path = os.path.join(state, RECORD)
    try:
        with open(path, "rb") as file:
            record = json.load(file)
        pid, started, booted = int(record["pid"]), float(record["started"]), float(record["booted"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    members = _group(pid) if _is_ours(pid, started, booted) else []
    if members:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            members = []  # gone; macOS says so of a group of zombies with EPERM
        _wait_gone(members)
    os.unlink(path)
    return pid if members else None


def _is_ours(pid: int, started: float, booted: float) -> bool:
    """Say whether group *pid* is still that of the worker which began at *started*: numbers come again.

    A leader that has ended keeps its number from others as long as its group lives, but not over a restart of the
    machine. Both times are derived from the clock, which may have been set meanwhile.
    """
    leader = _started(pid)
    same_boot = abs(psutil.boot_time() - booted) < SAME_BOOT
    return same_boot and (leader is None or abs(leader - started) < SAME_START)


def _group(pid: int) -> list[int]:
    """Return the processes of group *pid*."""
    members = []
    for candidate in psutil.pids():
        try:
            if os.getpgid(candidate) == pid:
                members.append(candidate)
        except ProcessLookupError:
            continue
    return members


def _wait_gone(pids: Sequence[int]) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(
        psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in pids
    ):
        time.sleep(0.02)


def _started(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None  # it is gone
