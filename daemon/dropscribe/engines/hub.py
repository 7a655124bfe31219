"""Which models are on this machine, and how they get there: list, find, pull, remove.

Weights, settings and tokenizers only: code that a repository holds is never fetched. The cache is the hub's own, shared
with other programs. Nothing here loads a model, and nothing here imports mlx.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Any, Self

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines.base import LoadProgress

# No *.py, no pickled weights (*.bin, *.pt): those are programs.
PATTERNS = ("*.safetensors", "*.json", "*.jsonl", "*.model", "*.tiktoken", "*.txt", "*.jinja")
STEP_BYTES = 4 << 20  # progress is reported every so many bytes


@dataclass(frozen=True)
class StoredModel:
    """A model in the hub's cache."""

    name: str  # owner/repository
    size: int  # bytes on disk
    revisions: tuple[str, ...]  # commits
    path: str


def stored(cache: str | None = None) -> list[StoredModel]:
    """Return the models in the hub's cache (the folder *cache*, or the user's own), by name."""
    from huggingface_hub import constants, scan_cache_dir

    folder = cache or constants.HF_HUB_CACHE
    if not os.path.isdir(folder):
        return []
    return sorted(
        (
            StoredModel(
                repo.repo_id,
                repo.size_on_disk,
                tuple(sorted(r.commit_hash for r in repo.revisions)),
                str(repo.repo_path),
            )
            for repo in scan_cache_dir(folder).repos
            if repo.repo_type == "model"
        ),
        key=lambda model: model.name,
    )


def local_folder(model: str) -> str | None:
    """Return the folder that *model* names, or None when it is a name on the hub."""
    path = os.path.expanduser(model)
    if os.path.isdir(path):
        return os.path.realpath(path)
    if os.path.isabs(path) or model.startswith((".", "~")) or model.count("/") != 1:
        raise ReasonedError(Reason.MODEL_MISSING, f"engine.model names the folder {path}, which is not there.")
    return None


def find(model: str, revision: str | None, cache: str | None = None) -> str | None:
    """Return the folder of *model* without asking the network, or None when it is not on this machine.

    A download that was cut short counts as not there. Raises `ReasonedError` (model-missing) for a folder that is not.
    """
    if folder := local_folder(model):
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return str(
            snapshot_download(
                model, revision=revision, cache_dir=cache, local_files_only=True, allow_patterns=list(PATTERNS)
            )
        )
    except (LocalEntryNotFoundError, FileNotFoundError):
        return None
    except HFValidationError as error:
        raise ReasonedError(Reason.MODEL_MISSING, f"engine.model is no name on the hub: {error}") from None


def pull(model: str, revision: str | None, report: Callable[[LoadProgress], None], cache: str | None = None) -> str:
    """Download *model*, resuming an earlier download, and return its folder.

    *report* gets the bytes done and wanted, on the calling thread. Raises `ReasonedError` (model-missing).
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

    report(LoadProgress("download", 0, None))
    fault = "it was not found"
    try:
        folder = snapshot_download(
            model, revision=revision, cache_dir=cache, allow_patterns=list(PATTERNS), tqdm_class=_counter(report)
        )
        return str(folder)
    except OfflineModeIsEnabled:
        fault = "HF_HUB_OFFLINE is set"
    except HFValidationError as error:
        fault = str(error)
    except Exception as error:  # the network fails in as many ways as there are layers in it
        fault = _short(error)
    wanted = model if revision is None else f"{model} (revision {revision})"
    raise ReasonedError(
        Reason.MODEL_MISSING, f"The model {wanted} is not on this machine and cannot be downloaded: {fault}."
    )


def remove(model: str, cache: str | None = None) -> int:
    """Delete *model* from the hub's cache and return the bytes given back; 0 when it was not there."""
    from huggingface_hub import constants, scan_cache_dir

    folder = cache or constants.HF_HUB_CACHE
    if not os.path.isdir(folder):
        return 0
    scan = scan_cache_dir(folder)
    commits = [r.commit_hash for repo in scan.repos if repo.repo_id == model for r in repo.revisions]
    if not commits:
        return 0
    plan = scan.delete_revisions(*commits)
    freed = int(plan.expected_freed_size)
    plan.execute()
    return freed


def commit(folder: str) -> str | None:
    """Return the commit whose files *folder* of the hub's cache holds, or None for any other folder."""
    parent, name = os.path.split(folder)
    return name if os.path.basename(parent) == "snapshots" else None


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text[:200] + "…" if len(text) > 200 else text).rstrip(".") or type(error).__name__


def _counter(report: Callable[[LoadProgress], None]) -> type[Any]:
    """Return a replacement for tqdm that passes the bytes of all files together to *report*."""
    guard = Lock()

    class Counter:
        """Shows nothing; only the bar that counts bytes assembled on disk is reported."""

        def __init__(self, *args: Any, **values: Any) -> None:
            self.total: int | None = values.get("total")
            self.n = int(values.get("initial") or 0)
            self._counts = values.get("unit") == "B" and "Reconstructing" in str(values.get("desc"))
            self._told = 0

        def update(self, n: float | None = 1) -> None:
            with guard:
                self.n += int(n or 0)
                if self._counts and (self.n - self._told >= STEP_BYTES or self.n == self.total):
                    self._told = self.n
                    report(LoadProgress("download", self.n, self.total or None))

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            return None

        def __getattr__(self, name: str) -> Callable[..., None]:
            if name.startswith("_") or name in ("get_lock", "set_lock"):
                raise AttributeError(name)
            return lambda *args, **values: None  # other arguments of a progress bar: its appearance

    return Counter
