"""The real worker with the fake engine in it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from dropscribe import worker
from fakes import FakeEngine

worker.main(FakeEngine)
