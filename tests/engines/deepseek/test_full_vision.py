"""mlx-vlm's own code with nothing in its place: the full-size vision tower, in a process of its own.

Minutes with the reference BLAS that MLX brings for the CPU, seconds with OpenBLAS; skipped where there is none.
"""

import ctypes.util
import glob
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from support import tiny_checkpoint
from support.mlx_engine import page, settings_for
from support.pages import Pages
from dropscribe.engines.base import Signals
from dropscribe.engines.deepseek.engine import DeepSeekOcr
from dropscribe.engines.deepseek.release import finish_thread
folder = tiny_checkpoint.build(Path(sys.argv[1]), full_vision=True)
engine = DeepSeekOcr(settings_for(folder, engine={"vision_precision": "float32"}), Signals(), rows=1)
engine.load(lambda progress: None)
text, = engine.read(Pages([page()]))
layers = len(engine._loaded.model.sam_model.blocks)
engine.unload()
memory = engine.mlx_memory()
print(json.dumps([text.text, text.flags, layers, memory.active, memory.cache]))
finish_thread()
"""


def open_blas() -> str | None:
    """Return a shared OpenBLAS that offers the plain BLAS interface, or None."""
    folders = ("/usr/lib/*/openblas-pthread", "/usr/lib/*/openblas*", "/usr/lib64", "/opt/OpenBLAS/lib")
    names = ("libblas.so.3", "libopenblas.so.0", "libopenblas.so")
    found = (path for folder in folders for name in names for path in glob.glob(os.path.join(folder, name)))
    return next((p for p in found if "openblas" in os.path.realpath(p)), ctypes.util.find_library("openblas"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_page_is_read_with_the_whole_vision_tower(tmp_path: Path) -> None:
    """Twelve layers of 768, mode tiny, float32: the scripted page comes out, and the memory goes."""
    pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    blas = open_blas()
    if sys.platform != "linux" or blas is None:
        pytest.skip("no OpenBLAS: the tower would take minutes")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "checkpoint"), str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        env={**os.environ, "LD_PRELOAD": blas},
    )
    assert done.returncode == 0, done.stderr
    text, flags, layers, active, cache = json.loads(done.stdout.splitlines()[-1])

    assert text.startswith("Invoice 42\n\nDear customer,")
    assert (flags, layers, cache) == ([], 12, 0)
    assert active < 1 << 20
