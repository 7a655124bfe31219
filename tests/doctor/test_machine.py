"""The checks on program, model, memory, disk, clock and logs: each one good, doubtful and broken."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dropscribe import config
from dropscribe.config import Settings
from dropscribe.doctor import clock, logs, models, packages, space
from dropscribe.doctor.checklist import guarded
from dropscribe.doctor.values import Check, State
from dropscribe.journal.journal import Journal
from dropscribe.memory.values import Availability

GB = 10**9
GOOD = {"mlx": "0.32.2", "mlx-vlm": "0.7.10", "transformers": "5.22.0"}


def settings(root: Path, **sections: dict[str, Any]) -> Settings:
    names = ("inbox", "outbox", "archive", "failed", "state")
    folders = {name: str(root / name) for name in names}
    return config.checked({"folders": folders, "log": {"folder": str(root / "log")}} | sections, "test")


def test_an_old_python_is_a_fault_and_one_of_homebrew_a_warning(tmp_path: Path) -> None:
    cellar = tmp_path / "Cellar" / "python@3.12" / "3.12.1" / "bin" / "python3.12"
    cellar.parent.mkdir(parents=True)
    cellar.touch()
    link = tmp_path / "python"
    link.symlink_to(cellar)

    assert packages.python((3, 12, 1), "/usr/bin/python3").state is State.OK
    assert packages.python((3, 10, 9), "/usr/bin/python3").state is State.FAULT
    assert packages.python((3, 12, 1), str(link)).state is State.WARNING


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, State.OK),
        ({"transformers": "5.23.0.dev0"}, State.OK),
        ({"transformers": "5.2.9"}, State.OK),
        ({"transformers": "6.0"}, State.OK),
        ({"transformers": "5.3.0"}, State.FAULT),
        ({"transformers": "5.21.4"}, State.FAULT),
        ({"transformers": "5.22.0rc1"}, State.OK),
        ({"transformers": "4.57.1"}, State.FAULT),
        ({"mlx": "0.32.0"}, State.FAULT),
        ({"mlx": None}, State.FAULT),
        ({"mlx-vlm": "0.7.9"}, State.FAULT),
        ({"mlx-vlm": "0.10"}, State.OK),
    ],
)
def test_versions_that_read_wrongly_are_faults(changed: dict[str, str | None], state: State) -> None:
    check = packages.packages("deepseek-ocr", (GOOD | changed).get)

    assert check.state is state, check.detail
    assert (state is State.OK) or "pip install" in check.remedy


def test_only_the_packages_of_the_engine_in_use_count() -> None:
    there = {"rapidocr": "3.10.0", "onnxruntime": "1.32.0", "transformers": "5.10.0"}

    assert packages.packages("rapidocr", there.get).state is State.OK
    assert packages.packages("rapidocr", {}.get).state is State.FAULT


def test_opencv_of_a_desktop_over_the_headless_one_is_named() -> None:
    def broken() -> str:
        raise ImportError("libGL.so.1: cannot open shared object file")

    both = {"opencv-python": "5.0.0.93", "opencv-python-headless": "5.0.0.93"}

    found = packages.opencv(broken, both.get)
    assert found.state is State.FAULT
    assert "libGL.so.1" in found.detail and "opencv-python 5.0.0.93 has overwritten" in found.detail
    assert "pip install --force-reinstall --no-deps opencv-python-headless" in found.remedy
    assert "overwritten" not in packages.opencv(broken, {}.get).detail
    assert packages.opencv(packages.load_opencv, both.get).state is State.OK, "as installed here"


@pytest.mark.parametrize(
    ("engine", "rosetta", "state"),
    [("deepseek-ocr", False, State.OK), ("rapidocr", True, State.WARNING), ("deepseek-ocr", True, State.FAULT)],
)
def test_an_intel_python_on_apple_silicon_is_noticed(engine: str, rosetta: bool, state: State) -> None:
    assert packages.architecture(engine, "x86_64", rosetta).state is state


def test_the_weights_inside_the_package_are_looked_for(tmp_path: Path) -> None:
    assert [c.state for c in models.present("rapidocr", settings(tmp_path))] == [State.OK], "as installed here"
    assert models.inside_package(str(tmp_path)).state is State.FAULT
    assert models.inside_package(None).state is State.FAULT


def checkpoint(folder: Path, shards: tuple[str, ...]) -> str:
    """Make a folder that says it is a model of two files, of which *shards* are there."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "deepseekocr"}))
    (folder / "tokenizer.json").write_text("{}")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in shards:
        header = json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
        (folder / name).write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    return str(folder)


def test_a_model_is_whole_or_not_here_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")

    def state(model: str) -> State:
        found = settings(tmp_path, engine={"name": "deepseek-ocr", "model": model})
        return next(iter(models.present("deepseek-ocr", found))).state

    whole = checkpoint(tmp_path / "whole", ("model-1.safetensors", "model-2.safetensors"))
    broken = checkpoint(tmp_path / "broken", ("model-1.safetensors",))

    assert state(whole) is State.OK
    assert state("nobody/there-is-no-such-model") is State.WARNING
    assert state(broken) is State.FAULT
    assert state(str(tmp_path / "not there")) is State.FAULT


def test_a_model_still_to_come_wants_its_room(tmp_path: Path) -> None:
    missing = settings(tmp_path, engine={"name": "deepseek-ocr", "model": "nobody/there-is-no-such-model"})

    assert models.wanted_bytes("rapidocr", missing) == 0
    assert models.wanted_bytes("deepseek-ocr", missing) == models.DOWNLOAD_BYTES


@pytest.mark.parametrize(
    ("peaks", "estimate", "available", "pressure", "state"),
    [
        ([], 3 * GB, 5 * GB, "normal", State.OK),
        ([2 * GB] * 5, 20 * GB, 5 * GB, "unknown", State.OK),
        ([], 3 * GB, 2 * GB, "normal", State.WARNING),
        ([], 3 * GB, 5 * GB, "critical", State.WARNING),
        ([7 * GB] * 3, 1 * GB, 7 * GB, "normal", State.FAULT),
    ],
)
def test_memory_is_judged_by_measured_peaks_else_by_the_estimate(
    peaks: list[int], estimate: int, available: int, pressure: str, state: State
) -> None:
    assert models.fits(peaks, estimate, Availability(available, 50.0, 8 * GB), pressure).state is state


def test_the_lighter_engine_is_named_where_the_big_one_does_not_fit() -> None:
    room = Availability(2 * GB, 50.0, 8 * GB, "2 GB by compressing others")

    told = models.fits([], 3 * GB, room, "normal", "deepseek-ocr")

    assert "rapidocr" in told.remedy and "2 GB by compressing others" in told.detail
    assert "rapidocr" not in models.fits([], 3 * GB, room, "normal", "rapidocr").remedy


def test_peaks_are_read_from_the_journal_without_touching_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert models.recorded_peaks(str(path), "rapidocr") == [] and not path.exists()
    journal = Journal(str(path))
    journal.metadata.record_peak("rapidocr", 700)
    journal.close()

    assert models.recorded_peaks(str(path), "rapidocr") == [700]
    path.write_bytes(b"no database" * 1000)
    assert models.recorded_peaks(str(path), "rapidocr") == []


def test_the_engine_of_these_settings_is_asked_what_it_needs(tmp_path: Path) -> None:
    check = next(iter(models.memory_for("rapidocr", settings(tmp_path))))

    assert check.name == "memory" and "estimated" in check.detail


@pytest.mark.parametrize(
    ("free", "download", "state"),
    [
        (50 * GB, 0, State.OK),
        (1 * GB, 0, State.WARNING),
        (10**8, 0, State.FAULT),
        (2 * GB, 2_500_000_000, State.FAULT),
        (50 * GB, 2_500_000_000, State.OK),
    ],
)
def test_room_on_the_disk(free: int, download: int, state: State) -> None:
    assert space.room("disk", "/out", free, download).state is state


def test_each_disk_is_told_once_also_before_its_folders_exist(tmp_path: Path) -> None:
    assert len(list(space.all_of(settings(tmp_path), 0))) == 1
    assert [c.name for c in space.all_of(settings(tmp_path), 1)] == ["disk", "disk for the model"]


def test_the_clock(tmp_path: Path) -> None:
    now = time.time()

    assert clock.clock(now, now + 1).state is State.OK
    assert clock.clock(now, now - 3600).state is State.WARNING
    assert clock.clock(0.0, 0.0).state is State.WARNING
    assert clock.clock(now, None).state is State.SKIPPED
    assert [c.name for c in clock.all_of(str(tmp_path))] == ["clock", "sleep"]
    assert list(tmp_path.iterdir()) == []


def test_sleep() -> None:
    assert clock.sleep("darwin", True).state is State.OK
    assert clock.sleep("darwin", False).state is State.WARNING
    assert clock.sleep("linux", False).state is State.SKIPPED


def test_sizes_of_logs(tmp_path: Path) -> None:
    assert [c.state for c in logs.sizes(settings(tmp_path))] == [State.SKIPPED, State.OK, State.OK]
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "dropscribe.log").write_text("a line")
    assert logs.own(str(tmp_path / "log")).state is State.OK

    for name in ("dropscribe.log.9", "agent.log"):
        with open(tmp_path / "log" / name, "wb") as file:
            os.truncate(file.fileno(), 5 * 10**7)  # sparse

    assert [c.state for c in logs.sizes(settings(tmp_path))] == [State.WARNING, State.WARNING, State.OK]


def test_a_check_that_breaks_becomes_a_line_of_the_list() -> None:
    def broken() -> list[Check]:
        raise ValueError("the instrument is broken")

    (check,) = guarded("memory", broken)

    assert check.state is State.WARNING and "the instrument is broken" in check.detail
