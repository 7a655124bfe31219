"""Promises of the readings as a whole: one look, plain values, nothing heavy loaded."""

import os
import subprocess
import sys

from dropscribe.memory import readings


def test_a_sample_is_one_look_at_the_machine_and_the_worker():
    look = readings.sample(os.getpid())

    assert look.pressure in ("normal", "warn", "critical", "unknown")
    assert 0 < look.available_bytes <= look.total_bytes
    assert 0 <= look.percent <= 100
    assert look.worker_footprint is not None and look.worker_footprint > 10**6


def test_without_a_worker_there_is_no_footprint():
    assert readings.sample(None).worker_footprint is None


def test_the_policy_for_evicted_files_exists_on_macos_only():
    assert readings.set_dataless_policy() is (sys.platform == "darwin")


def test_looking_at_memory_loads_no_decoder_and_no_model():
    code = (
        "import sys; from dropscribe.memory import processes, readings; readings.sample(None);"
        "print(sorted({'numpy', 'mlx', 'PIL', 'onnxruntime', 'subprocess'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() in ("[]", "['subprocess']")  # psutil itself imports subprocess
