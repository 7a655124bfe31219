"""What the first person with a Mac sends: everything a maintainer needs, and nothing of the person's."""

import json

from rehearsal.machine import SF_DATALESS, Mac


def test_the_report_holds_raw_answers_and_a_life_of_the_model_and_no_name_of_the_users(mac: Mac) -> None:
    mac.settings(folders={"archive": str(mac.root / "Volumes/Family/archive")})
    mac.install()
    mac.drop("warm.png")
    mac.text_of("warm.txt")
    mac.chflags(mac.drop("secret-divorce.png", folder=mac.home), SF_DATALESS)
    (mac.home / "secret-divorce.png").rename(mac.inbox / "secret-divorce.png")

    done = mac.run("doctor", "--report")

    (path,) = mac.home.glob("dropscribe-report-*.json")
    text = path.read_text("utf-8")
    report = json.loads(text)
    assert str(path) in done.stderr
    assert not [word for word in (str(mac.home), "secret-divorce", "Volumes/Family") if word in text]
    assert report["hardware"]["model"] == "Mac14,2" and report["hardware"]["macos"] == "26.1"
    assert report["native"]["sysctlbyname kern.memorystatus_vm_pressure_level"] == "01000000"
    assert len(bytes.fromhex(report["native"]["host_statistics64"])) == 38 * 4
    assert report["native"]["rename over another"].startswith("FileExistsError")
    assert report["agent"]["print"]["code"] == 0 and "pid" in str(report["agent"]["print"]["lines"])
    assert not [line for line in report["agent"]["print"]["lines"] if line.startswith("\t\t")]
    states = [sample["state"] for sample in report["trial"]["samples"]]
    assert "cold" in states and {"loading", "busy", "warm"} & set(states)
    assert report["trial"]["page"]["characters"] > 20
    assert report["trial"]["last_unload"]["reason"] == "idle"
    assert mac.status()["model"]["last_unload"]["reason"] == "command", "two models at once would spoil the figures"
