"""A daemon whose worker reads with a tiny checkpoint."""

import sys
from pathlib import Path
from typing import Any

from support import stub_sam_daemon
from support.harness import Daemon


def daemon_of(root: Path, checkpoint: Path, output: dict[str, Any] | None = None, **engine: Any) -> Daemon:
    """Return a daemon that reads with *checkpoint* and writes JSON, or as *output* says."""
    root.mkdir(exist_ok=True)
    settings = {"name": "deepseek-ocr", "model": str(checkpoint), "mode": "tiny", "cross_check": "off", **engine}
    command = [sys.executable, stub_sam_daemon.__file__]
    intake = {
        "orientation": "off"
    }  # on two cores, finding out which way up a page is takes longer than reading it here
    return Daemon(root, command, engine=settings, intake=intake, output=output or {"formats": ["json"]})
