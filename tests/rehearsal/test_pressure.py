"""Promises under memory pressure, by the kernel's own levels: critical ends a model, a warning an idle one."""

from rehearsal.machine import GB, Mac

LEVEL = "kern.memorystatus_vm_pressure_level"
NORMAL, WARN, CRITICAL = 1, 2, 4


def warm(mac: Mac) -> None:
    """Have one file read, so that the model is there."""
    mac.install()
    mac.drop("warm.png")
    mac.text_of("warm.txt")
    mac.wait(lambda s: s["model"]["state"] == "warm", "the model is warm")


def test_a_critical_level_ends_the_model_and_keeps_it_away_until_it_is_over(mac: Mac) -> None:
    warm(mac)
    mac.knob(LEVEL, CRITICAL)
    mac.wait(lambda s: s["model"]["last_unload"], "the model leaves")
    mac.drop("pressed.png")
    status = mac.wait(lambda s: s["model"]["state"] == "blocked", "the file waits")
    assert status["memory"]["pressure"] == "critical" and status["model"]["last_unload"]["reason"] == "pressure"
    assert "critical memory pressure" in status["model"]["blocked_reason"]

    mac.knob(LEVEL, NORMAL)

    assert mac.text_of("pressed.txt").strip()


def test_a_warning_ends_only_a_model_that_has_been_idle(mac: Mac) -> None:
    warm(mac)
    mac.knob(LEVEL, WARN)

    status = mac.wait(lambda s: s["model"]["last_unload"], "the idle model leaves")

    assert status["model"]["last_unload"]["reason"] == "pressure"


def test_a_level_that_the_system_does_not_tell_is_unknown_and_stops_nothing(mac: Mac) -> None:
    mac.knob(LEVEL, -1)
    warm(mac)
    mac.knob(LEVEL, 3)  # unheard of

    mac.wait(lambda s: s["memory"]["pressure"] == "unknown", "the level is unknown")
    mac.drop("more.png")
    assert mac.text_of("more.txt").strip()


def test_a_mac_without_room_says_what_it_reckons_and_begins_when_there_is_some(mac: Mac) -> None:
    mac.knob("hw.memsize", 8 * GB)
    for name, value in {"free": GB // 10, "active": GB, "inactive": GB, "external": GB // 10}.items():
        mac.knob(name, value)
    mac.knob("compressor", 4 * GB)
    mac.install()
    mac.drop("waits.png")

    told = mac.wait(lambda s: s["model"]["blocked_reason"], "the file waits")["model"]["blocked_reason"]
    assert "107 MB free" in told and "by compressing others" in told
    assert "by compressing others" in mac.run("doctor").stdout

    mac.knob("compressor", GB // 2)
    assert mac.text_of("waits.txt").strip()


def test_what_is_wired_and_compressed_counts_against_max_percent(mac: Mac) -> None:
    mac.settings(memory={"max_percent": 85})
    mac.knob("kern.memorystatus_level", 10)
    mac.install()
    mac.drop("waits.png")
    told = mac.wait(lambda s: s["model"]["blocked_reason"], "the file waits")["model"]["blocked_reason"]
    assert "more than 85 % of the memory is wired or compressed (memory.max_percent)" in told

    mac.knob("kern.memorystatus_level", 60)
    assert mac.text_of("waits.txt").strip()
