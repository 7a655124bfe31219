"""One daemon per state folder: an exclusive lock, held for life, that says who holds it."""

import fcntl
import os
import time

from dropscribe.core.errors import UsageError


class StateLock:
    """Holds the lock file in *state* from creation to `close()`; raises `UsageError` naming the holder."""

    def __init__(self, state: str) -> None:
        os.makedirs(state, mode=0o700, exist_ok=True)
        self._handle = os.open(os.path.join(state, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._taken():
            holder = os.read(self._handle, 100).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise UsageError(
                "run", f"another daemon (pid {holder}) already uses the state folder {state}",
                "see dropscribe status, or give this one its own folders.state",
            )  # fmt: skip
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def _taken(self) -> bool:
        """Try for half a second: `holder()` of another process may hold the lock for a moment."""
        deadline = time.monotonic() + 0.5
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)

    def close(self) -> None:
        """Let the lock go; may be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def holder(state: str) -> int | None:
    """Return the pid of the daemon that holds the lock in *state*, or None."""
    try:
        handle = os.open(os.path.join(state, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.read(handle, 100).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(handle)
    return None
