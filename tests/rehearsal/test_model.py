"""Promises of the big model on a Mac: chosen by itself, warmed up at load, lean on 8 GB; with a tiny checkpoint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.machine import GB, PACKAGE, Mac

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A scripted checkpoint, built in a process of its own so that none of its stand-ins stays in this one."""
    pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    variables = {"PYTHONPATH": f"{TESTS}:{PACKAGE.parent}", "TMPDIR": str(tmp_path_factory.mktemp("tiny"))}
    command = [sys.executable, "-m", "support.tiny_checkpoint"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


@pytest.mark.parametrize(("memory", "is_lean"), [(16, False), (8, True)])
def test_the_big_model_reads_by_itself_and_is_lean_on_8_gb(
    mac: Mac, checkpoint: str, memory: int, is_lean: bool
) -> None:
    mac.knob("hw.memsize", memory * GB)
    mac.variables |= {"FAKE_MAC_TINY": str(TESTS), "FAKE_MAC_MEMORY": str(memory * GB)}
    mac.settings(engine={"name": "auto", "model": checkpoint, "mode": "tiny"})
    mac.install()
    mac.drop("page.png")

    status = mac.wait(lambda s: s["model"]["load"] and s["model"]["load"]["step"] == "warm-up", "it warms up")
    assert status["model"]["state"] == "loading" and status["daemon"]["engine"] == "deepseek-ocr"
    assert ("lean on this memory" in status["daemon"]["engine_reason"]) is is_lean
    assert "Invoice 42" in mac.text_of("page.txt")
    status = mac.wait(lambda s: s["model"]["state"] == "warm", "it is read")
    assert status["model"]["mlx"] is not None
    assert mac.run("unload").returncode == 0
    mac.wait(lambda s: s["model"]["state"] == "cold", "it leaves")

    assert mac.ran("min(settings.model.cache_limit, policy.LEAN_CACHE)") is is_lean
    assert mac.log().count("Traceback") == 0
