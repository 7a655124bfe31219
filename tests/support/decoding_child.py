"""A child process that opens files as the worker does, so that a test can end it and see it die.

Reads a path per line from stdin; answers each with one line of JSON: pages and the reason, or what broke the promise.
"""

import json
import selectors
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self


def serve() -> None:
    from dropscribe.config import Settings
    from dropscribe.core.errors import ReasonedError
    from dropscribe.documents.opening import open_document

    for line in sys.stdin:
        answer: dict[str, Any] = {"pages": 0, "reason": None, "broken": None}
        try:
            document = open_document(json.loads(line), Settings())
            try:
                for page in document.pages():
                    assert page.image.mode == "RGB" and page.image.width > 0 and page.image.height > 0
                    answer["pages"] += 1
            finally:
                document.close()
        except ReasonedError as error:
            answer["reason"], answer["kind"] = str(error.reason), str(error.reason.kind)
        except BaseException as error:  # the very thing that must not happen: told to the test
            answer["broken"] = repr(error)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Reader:
    """The child, started when it is first asked and again after it died."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, path: str) -> dict[str, Any]:
        """Return the child's answer for *path*; `broken` says that it died or overstayed."""
        child = self._child = self._child or subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdin and child.stdout
        child.stdin.write(json.dumps(path).encode() + b"\n")
        child.stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdout, selectors.EVENT_READ)
            started = time.monotonic()
            line = child.stdout.readline() if ready.select(self._deadline_seconds) else b""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        hung = time.monotonic() - started >= self._deadline_seconds
        code = self._end()
        return {"pages": 0, "reason": None, "broken": "hung" if hung else f"died with {code}"}

    def _end(self) -> int:
        if self._child is None:
            return 0
        child, self._child = self._child, None
        if child.poll() is None:
            child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        return child.wait()


if __name__ == "__main__":
    serve()
