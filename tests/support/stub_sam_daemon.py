"""The real command line whose daemon starts the real worker with the small vision tower (see `stub_sam_worker`)."""

import sys
from pathlib import Path

from dropscribe import cli

if __name__ == "__main__":
    sys.exit(cli.main(worker=[sys.executable, str(Path(__file__).with_name("stub_sam_worker.py"))]))
