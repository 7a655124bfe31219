"""The real worker with the fake engine in it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dropscribe.worker import main
from support.fakes import FakeEngine

main.main(FakeEngine)
