"""Promises of an ordinary day on a Mac: what is dropped is read, the machine is left as it was, nothing is lost."""

import os
import unicodedata

import pytest

from rehearsal.machine import GB, SAMPLES, SF_DATALESS, UF_IMMUTABLE, Mac
from support.harness import wait_for, waits


def test_what_is_dropped_is_read_and_the_mac_stays_awake_for_as_long(mac: Mac) -> None:
    mac.settings(notify={"when": "always"}, model={"idle_timeout": 0})

    said = mac.install()
    mac.drop("letter.png")

    assert "starts at each login" in said
    assert mac.text_of("letter.txt").strip()
    wait_for(lambda: mac.lines("osascript.log"), "a message on the desktop")
    wait_for(lambda: "let go" in mac.lines("caffeinate.log"), "the assertion against sleep is let go")
    assert mac.lines("caffeinate.log")[0] == f"held -i -w {mac.status()['daemon']['pid']}"
    assert "[letter.png: read]" in mac.lines("osascript.log")[0]
    assert mac.status()["daemon"]["watch"].startswith("native")
    mac.wait(lambda status: status["model"]["last_unload"], "the model leaves")
    assert mac.calls("malloc_zone_pressure_relief") and mac.calls("setiopolicy_np 3 0 2")


def test_a_name_that_the_disk_decomposes_is_read_under_that_name(mac: Mac) -> None:
    name = unicodedata.normalize("NFD", "Bücher.png")
    mac.install()
    mac.drop(name)

    wait_for(lambda: list(mac.outbox.glob("*cher.txt")), "its text appears", 60)
    wait_for(lambda: (mac.home / "Dropscribe/archive" / name).exists(), "it is put away under its own name")


def test_a_file_that_lies_in_the_cloud_only_is_never_opened_and_read_once_it_is_here(mac: Mac) -> None:
    mac.install()
    outside = mac.drop("evicted.png", folder=mac.home)
    mac.chflags(outside, SF_DATALESS)
    outside.rename(mac.inbox / "evicted.png")
    mac.wait(lambda s: [i for i in s["intake"] if i["waiting_for"] == "cloud"], "the file waits for its cloud")
    assert "cloud" in mac.run("doctor").stdout

    mac.chflags(mac.inbox / "evicted.png", 0)
    (mac.inbox / "evicted.png").rename(mac.inbox / "here.png")

    assert mac.text_of("here.txt").strip()


def test_a_locked_file_is_read_left_where_it_is_and_named_with_its_remedy(mac: Mac) -> None:
    mac.install()
    outside = mac.drop("locked.png", folder=mac.home)
    mac.chflags(outside, UF_IMMUTABLE)
    os.rename(outside, mac.inbox / "locked.png")

    assert mac.text_of("locked.txt").strip()
    told = mac.wait(lambda s: s["queue"]["archive_error"], "status names it")["queue"]["archive_error"]
    assert "locked.png" in told and "chflags nouchg" in told
    mac.drop("behind.png")
    assert mac.text_of("behind.txt").strip()
    wait_for(lambda: not (mac.inbox / "behind.png").exists(), "the queue goes on behind it")
    assert (mac.inbox / "locked.png").exists()
    assert mac.log().count("it is locked") == 1

    mac.chflags(mac.inbox / "locked.png", 0)
    mac.install()  # or after ten minutes
    wait_for(lambda: (mac.home / "Dropscribe/archive/locked.png").exists(), "unlocked, it is put away")


def test_reading_beside_the_daemon_goes_through_it(mac: Mac) -> None:
    mac.install()

    done = mac.run("read", str(SAMPLES / "letter.png"))

    assert done.returncode == 0 and len(done.stdout) > 20, done.stderr
    assert mac.status()["model"]["pid"] is not None


@pytest.mark.parametrize("words", [("check",), ("status",), ("doctor",), ("doctor", "memory"), ("install", "--print")])
def test_every_command_answers_on_a_mac_of_8_gb_with_the_built_in_settings(mac: Mac, words: tuple[str, ...]) -> None:
    (mac.support / "config.yaml").unlink()
    mac.knob("hw.memsize", 8 * GB)

    done = mac.run(*words)

    said = done.stdout + done.stderr
    assert "Traceback" not in said and "the check itself failed" not in said
    assert done.returncode == 0 or words == ("doctor",), said
    if words in (("doctor",), ("check",)):
        assert "deepseek-ocr (auto: Apple Silicon; lean on this memory" in said
        assert "rapidocr would be lighter" in said


def test_the_demo_works_in_a_temporary_folder_as_deep_as_a_real_one(mac: Mac) -> None:
    (mac.root / "private/var").mkdir(parents=True)
    (mac.root / "var").symlink_to("private/var")
    # /var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/ has 49 characters, 57 with what it is a link to
    real = mac.root / "private/var" / ("x" * (57 - len(f"{mac.root}/private/var//T/")))
    mac.temporary = mac.root / "var" / real.name / "T"
    mac.temporary.mkdir(parents=True)
    assert len(f"{mac.temporary.resolve()}/") == 57

    done = mac.run("demo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The daemon itself uses" in done.stdout


def test_a_file_that_a_program_has_open_for_writing_waits_for_it_and_a_reader_is_none(mac: Mac) -> None:
    mac.install()
    with open(mac.drop("read.png"), "rb"):
        assert mac.text_of("read.txt").strip()
    content = (SAMPLES / "letter.png").read_bytes()
    with open(mac.inbox / "scan.png", "wb") as writer:
        writer.write(content[:1000])
        writer.flush()
        mac.wait(waits("scan.png", "writer"), "it waits for its writer")
        writer.write(content[1000:])
    assert mac.text_of("scan.txt").strip()
    assert "while a program of this machine has it open for writing" in mac.run("doctor").stdout
