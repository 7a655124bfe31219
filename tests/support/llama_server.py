"""A real vision server for tests: llama.cpp with the model of `llama_model`, up in a fraction of a second."""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support import llama_model

ALIAS = "DeepSeek-OCR"  # it is asked with that model's prompts


@cache
def model() -> tuple[Path, Path]:
    """Return the paths of the model and its vision tower; written once in a process."""
    folder = tempfile.mkdtemp(prefix="dropscribe-llama-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return llama_model.write(Path(folder))


class LlamaServer:
    """One server. It may be killed and started again at its old address."""

    def __init__(self, **options: Any) -> None:
        """Start it; see `llama_process` for the *options*."""
        pytest.importorskip("xllamacpp")
        text, eyes = map(str, model())
        self._options = {
            "text": text, "eyes": eyes, "alias": ALIAS, "port": 0, "slots": 4, "special": False, "key": None,
            "sleep": None,
        } | options  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = str(Path(__file__).with_name("llama_process.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, json.dumps(self._options)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ,
        )  # fmt: skip
        assert self._process.stdout is not None
        said = next((line for line in self._process.stdout if line.startswith("listening")), "")
        found = re.search(r":(\d+)/?$", said.strip())
        if not found:
            self.kill()
            raise AssertionError(f"the server did not start: {said!r}")
        self._options["port"] = int(found[1])

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._options['port']}"

    def kill(self) -> None:
        """Kill it, in the middle of whatever it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> "LlamaServer":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self.kill()
