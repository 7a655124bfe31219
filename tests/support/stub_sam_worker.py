"""The real worker (`dropscribe.worker`) with the small vision tower, for tests that drive it from outside.

Run it as `python stub_sam_worker.py SOCKET_NUMBER` in the place of `python -m dropscribe.worker SOCKET_NUMBER`, with a
checkpoint that `tiny_checkpoint.build` made as `engine.model`. Production code knows nothing of it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dropscribe.worker import main
from support.tiny_checkpoint import stub_sam

if __name__ == "__main__":
    with stub_sam():
        main.main()
