"""Whether files of strangers are decoded in locked processes here: tried, in a process that locks itself likewise."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from dropscribe.doctor.values import Check, ok, warning

LONGEST = 30  # seconds for the trial


def held(wish: str) -> Iterator[Check]:
    """Report what keeps a decoder from reaching anything; *wish* is `intake.sandbox`."""
    if wish == "off":
        what = "intake.sandbox is off: a file made to harm has, once it gets through a decoder, all your rights"
        yield warning("sandbox", what, "remove intake.sandbox from config.yaml, unless files come from you alone")
        return
    with tempfile.TemporaryDirectory(prefix="dropscribe-doctor-") as folder:
        command = [sys.executable, "-m", "dropscribe.sandbox.trial", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        what = f"a process that locked itself did not live to tell: {said[0]}"
        yield warning("sandbox", what, "report this, with the output of dropscribe doctor --json")
        return
    yield judged(**json.loads(done.stdout))


def judged(lacking: list[str], succeeded: list[str]) -> Check:
    """Judge what a locked process was *lacking* of its sandbox, and which attempts *succeeded* all the same."""
    if not lacking and not succeeded:
        return ok("sandbox", "decoders are locked: no files but theirs, no network, no programs, bounded memory")
    able = f"; a decoder could {', '.join(succeeded)}" if succeeded else ""
    why = "; ".join(lacking) or "all of it is there"
    remedy = "use Linux 5.13 or newer with Landlock, in a container with a runtime that passes it on; limits hold"
    return warning("sandbox", f"decoders are not fully locked here ({why}){able}", remedy)
