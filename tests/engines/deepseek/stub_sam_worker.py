"""The real worker (`dropscribe.worker`) with the small vision tower, for tests that drive it from outside.

Run it as `python stub_sam_worker.py SOCKET_NUMBER` in the place of `python -m dropscribe.worker SOCKET_NUMBER`, with a
checkpoint that `tiny_checkpoint.build` made as `engine.model`. Production code knows nothing of it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tiny_checkpoint import stub_sam

from dropscribe import worker

if __name__ == "__main__":
    with stub_sam():
        worker.main()
