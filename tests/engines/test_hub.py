"""Models on this machine, with a cache laid out as the hub's library does it, and no network."""

import os
import sys
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines import hub
from dropscribe.engines.base import LoadProgress

COMMIT = "9338f7b671827df886678df2bdd7cc7b4f36dffd"


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """A cache that holds one model."""
    store(tmp_path, "mlx-community/Tiny-OCR-4bit", {"config.json": b"{}", "model.safetensors": bytes(1000)})
    return str(tmp_path)


def store(cache: Path, name: str, files: dict[str, bytes]) -> Path:
    """Put a repository into *cache*: blobs, and a snapshot of links to them; return the snapshot."""
    repository = cache / ("models--" + name.replace("/", "--"))
    snapshot = repository / "snapshots" / COMMIT
    for folder in (repository / "blobs", snapshot, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    for number, (file, content) in enumerate(files.items()):
        (repository / "blobs" / f"{number:040x}").write_bytes(content)
        os.symlink(f"../../blobs/{number:040x}", snapshot / file)
    return snapshot


def test_lists_what_is_there_with_sizes(cache: str) -> None:
    """Name, bytes on disk, commits."""
    (model,) = hub.stored(cache)

    assert (model.name, model.size, model.revisions) == ("mlx-community/Tiny-OCR-4bit", 1002, (COMMIT,))


def test_lists_nothing_where_there_is_no_cache(tmp_path: Path) -> None:
    """A machine that never fetched a model."""
    assert hub.stored(str(tmp_path / "none")) == []


def test_finds_a_model_without_the_network(cache: str) -> None:
    """By name, by name and commit; the commit is told by the folder."""
    found = hub.find("mlx-community/Tiny-OCR-4bit", None, cache)

    assert found is not None
    assert found.endswith(COMMIT)
    assert hub.find("mlx-community/Tiny-OCR-4bit", COMMIT, cache) == found
    assert hub.commit(found) == COMMIT


def test_a_model_or_revision_that_is_not_there_is_not_found(cache: str) -> None:
    """None, so that it can be fetched."""
    assert hub.find("mlx-community/Other", None, cache) is None
    assert hub.find("mlx-community/Tiny-OCR-4bit", "v2", cache) is None


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    """Nothing is looked up for it."""
    assert hub.find(str(tmp_path), None) == os.path.realpath(tmp_path)
    assert hub.commit(str(tmp_path)) is None


@pytest.mark.parametrize("model", ["/no/such/folder", "./here", "~/no-such-folder-here", "a/b/c"])
def test_a_folder_that_is_not_there_is_no_name_on_the_hub(model: str) -> None:
    """The message names the folder."""
    with pytest.raises(ReasonedError, match="names the folder") as caught:
        hub.find(model, None)

    assert caught.value.reason is Reason.MODEL_MISSING


def test_what_cannot_be_downloaded_is_said_in_a_sentence(tmp_path: Path, run_offline: None) -> None:
    """An environment's fault, with name, revision and cause."""
    told: list[LoadProgress] = []
    with pytest.raises(ReasonedError) as caught:
        hub.pull("mlx-community/Other", "v2", told.append, str(tmp_path))

    assert caught.value.reason is Reason.MODEL_MISSING
    assert caught.value.detail.startswith("The model mlx-community/Other (revision v2) is not on this machine")
    assert told == [LoadProgress("download", 0, None)]


@pytest.fixture
def run_offline() -> object:
    """Keep the hub's library off the network."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    yield
    constants.HF_HUB_OFFLINE = before


def test_removes_a_model_and_tells_what_that_gave(cache: str) -> None:
    """And a model that is not there gives nothing."""
    assert hub.remove("mlx-community/Tiny-OCR-4bit", cache) == 1002
    assert hub.stored(cache) == []
    assert hub.remove("mlx-community/Tiny-OCR-4bit", cache) == 0


def test_programs_in_a_repository_are_never_fetched() -> None:
    """Neither Python files nor pickled weights match."""
    from fnmatch import fnmatch

    fetched = [
        n for n in ("modeling.py", "model.bin", "model.pt", "x/setup.py") if any(fnmatch(n, p) for p in hub.PATTERNS)
    ]

    assert fetched == []


def test_progress_counts_the_bytes_of_all_files() -> None:
    """The hub's library tells its progress to something that looks like tqdm; only the bar of bytes counts."""
    from huggingface_hub.utils.tqdm import hf_thread_map

    told: list[LoadProgress] = []
    counter = hub._counter(told.append)
    total = counter(total=0, initial=0, unit="B", desc="Reconstructing (incomplete total...)")
    other = counter(total=0, initial=0, unit="B", desc="Downloading bytes")
    total.total = 3 * hub.STEP_BYTES
    hf_thread_map(lambda n: total.update(hub.STEP_BYTES), range(3), tqdm_class=counter, desc="Fetching 3 files")
    other.update(5)
    total.set_description("Reconstruction complete")

    assert told == [LoadProgress("download", n * hub.STEP_BYTES, 3 * hub.STEP_BYTES) for n in (1, 2, 3)]


def test_neither_engines_nor_the_hub_import_mlx() -> None:
    """The daemon and the command line may import them."""
    import subprocess

    modules = ", ".join(f"dropscribe.engines.{name}" for name in ("hub", "deepseek.engine", "session"))
    code = f"import sys, {modules}; print('mlx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
