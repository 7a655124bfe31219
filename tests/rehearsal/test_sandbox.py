"""Decoders on a Mac: locked by `sandbox_init`, each with a profile of its own; where that fails, read all the same."""

import json
import shutil

from rehearsal.machine import SAMPLES, Mac


def test_every_decoder_locks_itself_to_its_file_and_the_fonts(mac: Mac) -> None:
    mac.settings()
    picture = mac.home / 'a "quoted" name.png'
    shutil.copy(SAMPLES / "letter.png", picture)

    done = mac.run("read", str(picture))

    profile = "\n".join(mac.lines("sandbox.profile"))
    assert len(done.stdout) > 100
    assert mac.calls("sandbox_init") == 1
    assert '\\"quoted\\" name.png"))' in profile
    assert "network" not in profile and "file-write" not in profile and "process-exec" not in profile


def test_a_mac_that_refuses_the_sandbox_reads_and_doctor_says_so(mac: Mac) -> None:
    mac.settings()
    mac.knob("no-sandbox", 1)
    shutil.copy(SAMPLES / "letter.png", mac.home / "a.png")

    assert len(mac.run("read", str(mac.home / "a.png")).stdout) > 100
    checks = {check["name"]: check for check in json.loads(mac.run("doctor", "--json").stdout)["checks"]}
    assert checks["sandbox"]["state"] == "warning"
    assert "sandbox_init: not on this Mac" in checks["sandbox"]["detail"]
