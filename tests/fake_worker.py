"""The real worker with the fake engine in it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fakes import FakeEngine

from dropscribe import worker

worker.main(FakeEngine)
