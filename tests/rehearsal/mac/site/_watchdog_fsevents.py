"""FSEvents as watchdog's emitter sees it, made of looking again and again.

Like the real one it tells paths as the disk has them (links resolved, true case), may say several things in one event,
and ends for good when its root goes. `$FAKE_MAC/no-fsevents` makes it refuse to start, as a Mac out of streams does.
"""

import os
import threading
from collections.abc import Callable

CREATED, REMOVED, MODIFIED, ROOT_CHANGED, DIRECTORY = 1, 2, 4, 8, 16
FOLDER = os.environ.get("FAKE_MAC", "")
Callback = Callable[[list[bytes], list[int], list[int], list[int]], None]


class NativeEvent:
    """One event, with the flags that the emitter asks for."""

    is_renamed = is_inode_meta_mod = is_xattr_mod = is_owner_change = is_mount = is_unmount = is_coalesced = False

    def __init__(self, path: bytes, inode: int, flags: int, event_id: int) -> None:
        self.path, self.inode, self.flags, self.event_id = os.fsdecode(path), inode, flags, event_id
        self.is_created, self.is_removed = bool(flags & CREATED), bool(flags & REMOVED)
        self.is_modified, self.is_root_changed = bool(flags & MODIFIED), bool(flags & ROOT_CHANGED)
        self.is_directory = bool(flags & DIRECTORY)


def true_path(path: str) -> str:
    """Return *path* as the disk has it."""
    found = "/"
    for part in filter(None, os.path.realpath(path).split("/")):
        names = os.listdir(found) if os.path.isdir(found) else []
        same = (name for name in names if name.casefold() == part.casefold())
        found = os.path.join(found, part if part in names else next(same, part))
    return os.path.realpath(found)


class Stream:
    """One stream over one folder and everything below it."""

    def __init__(self, paths: list[str], latency: float = 0.01) -> None:
        self._root = true_path(os.fsdecode(paths[0]))
        self._stop = threading.Event()

    def _look(self) -> dict[str, tuple[int, int, int, bool]]:
        seen = {}
        for folder, folders, files in os.walk(self._root):
            for name in folders + files:
                path = os.path.join(folder, name)
                try:
                    found = os.stat(path, follow_symlinks=False)
                except OSError:
                    continue
                seen[path] = (found.st_ino, found.st_mtime_ns, found.st_size, name in folders)
        return seen

    def run(self, callback: Callback, started: Callable[[], None]) -> None:
        """Tell *callback* what changes until `stop`."""
        if os.path.exists(os.path.join(FOLDER, "no-fsevents")) or not os.path.isdir(self._root):
            raise SystemError("Cannot start fsevents stream. Use a kqueue or polling observer instead.")
        identity, before = os.stat(self._root).st_ino, self._look()
        started()
        while not self._stop.wait(0.05):
            try:
                root = os.stat(self._root).st_ino
            except OSError:
                root = None
            if root != identity:
                callback([os.fsencode(self._root)], [identity], [ROOT_CHANGED | DIRECTORY], [0])
                return
            now = self._look()
            changed = [path for path in {**before, **now} if before.get(path) != now.get(path)]
            if changed:
                told = [
                    (now.get(path) or before[path], self._flags(before.get(path), now.get(path))) for path in changed
                ]
                inodes, flags = [found[0] for found, _ in told], [bits for _, bits in told]
                callback([os.fsencode(path) for path in changed], inodes, flags, list(range(1, len(changed) + 1)))
            before = now

    @staticmethod
    def _flags(old: tuple[int, int, int, bool] | None, new: tuple[int, int, int, bool] | None) -> int:
        flags = DIRECTORY if (new or old or (0, 0, 0, False))[3] else 0
        if old is None or (new is not None and old[0] != new[0]):
            flags |= CREATED
        return flags | (REMOVED if new is None else 0) | (MODIFIED if old and new else 0)

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()
