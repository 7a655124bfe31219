"""Two minutes (or as long as one likes) of everything at once, and every file has one end in one place.

`DROPSCRIBE_ENDURANCE` is the length in seconds, `DROPSCRIBE_SEED` the order in which things happen.
"""

import os
import resource
import time
from pathlib import Path

import pytest

from support.endurance import FORMATS, Endurance
from support.harness import Daemon

LENGTH = float(os.environ.get("DROPSCRIBE_ENDURANCE", "120"))
SEED = int(os.environ.get("DROPSCRIBE_SEED", "1"))


@pytest.mark.slow
@pytest.mark.timeout(LENGTH + 300)
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux only")
def test_whatever_happens_every_file_has_one_full_set_of_outputs_or_one_reason(tmp_path: Path) -> None:
    intake = {"incomplete_timeout": "20s"}  # slow writers come back sooner
    daemon = Daemon(tmp_path, intake=intake, output={"formats": list(FORMATS)}, model={"idle_timeout": "200ms"})
    daemon.fake(read_seconds=0.05, width=2)
    with daemon.start():
        run = Endurance(daemon, SEED)
        end = time.monotonic() + LENGTH
        try:
            while time.monotonic() < end:
                run.act()
            run.finish()
            run.check()
        except BaseException:
            print(f"seed {SEED}, after {dict(run.done)}\n{daemon.log()[-8000:]}")
            raise
    print(f"{len(run.known)} files, {dict(run.done)}")

    assert daemon.process is None or daemon.process.returncode == 0
    assert LENGTH < 60 or all(run.done[name] for name in ("kill", "save", "fill_disk", "rename", "delete"))
