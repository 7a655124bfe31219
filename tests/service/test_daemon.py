"""The main job: what is dropped is read once, its text is in the outbox, its original is put away."""

import json
import socket
from pathlib import Path

from PIL import Image

from support.control_loop import address
from support.fakes import picture
from support.harness import Daemon, done, left, wait_for


def test_a_dropped_picture_becomes_text_and_its_original_goes_to_the_archive(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        text = picture(daemon.inbox / "scan.png")
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text() == text + "\n"
        assert left(daemon.archive) == ["scan.png"]
        assert left(daemon.inbox) == []


def test_what_lay_there_before_the_start_is_read_too_and_sub_folders_are_mirrored(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    one, two = picture(daemon.inbox / "a" / "b" / "one.png", 1), picture(daemon.inbox / "two.png", 2)

    assert daemon.once() == 0
    assert (daemon.outbox / "a/b/one.txt").read_text() == one + "\n"
    assert (daemon.outbox / "two.txt").read_text() == two + "\n"
    assert left(daemon.archive) == ["a/b/one.png", "two.png"]


def test_once_says_by_its_exit_code_that_something_failed(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (daemon.inbox / "broken.png").write_bytes(b"this is no picture")

    assert daemon.once() == 1
    assert left(daemon.failed) == ["broken.png", "broken.png.error.txt"]
    note = (daemon.failed / "broken.png.error.txt").read_text().splitlines()
    assert note[1] == "reason: not-an-image" and note[2].startswith("try: ")


def test_files_of_one_stem_get_numbers_and_nothing_is_overwritten(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.outbox.mkdir()
    (daemon.outbox / "Same.TXT").write_text("a stranger's")
    texts = {picture(daemon.inbox / name, n) for n, name in enumerate(["same.png", "same.jpeg", "SAME.tiff"])}

    assert daemon.once() == 0
    assert (daemon.outbox / "Same.TXT").read_text() == "a stranger's"
    written = sorted(p.name for p in daemon.outbox.iterdir() if p.name != "Same.TXT")
    assert [name.lower() for name in written] == ["same (2).txt", "same (3).txt", "same (4).txt"]
    assert {(daemon.outbox / name).read_text().strip() for name in written} == texts


def test_the_same_name_again_is_new_work_and_a_file_moved_back_is_read_again(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        first = picture(daemon.inbox / "scan.png", 1)
        daemon.wait_quiet()
        second = picture(daemon.inbox / "scan.png", 2)
        daemon.wait_quiet()
        (daemon.archive / "scan.png").rename(daemon.inbox / "scan.png")
        daemon.wait_quiet()

        texts = [(daemon.outbox / f"scan{n}.txt").read_text().strip() for n in ("", " (2)", " (3)")]
        assert texts == [first, second, first]
        assert left(daemon.archive) == ["scan (2).png", "scan.png"]


def test_kept_originals_are_read_once_over_restarts_and_again_when_they_change(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"originals": "keep"})
    picture(daemon.inbox / "scan.png", 1)
    assert daemon.once() == 0
    assert daemon.once() == 0
    assert left(daemon.outbox) == ["scan.txt"]

    second = picture(daemon.inbox / "scan.png", 2)
    assert daemon.once() == 0
    assert (daemon.outbox / "scan (2).txt").read_text().strip() == second
    assert left(daemon.inbox) == ["scan.png"]


def test_deleted_originals_are_gone_and_their_text_is_there(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"originals": "delete"})
    picture(daemon.inbox / "scan.png")

    assert daemon.once() == 0
    assert list(tmp_path.rglob("*.png")) == [] and left(daemon.outbox) == ["scan.txt"]
    assert list(daemon.inbox.iterdir()) == []


def test_all_formats_of_a_document_share_one_free_stem(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"formats": ["txt", "md", "json"]})
    daemon.outbox.mkdir()
    (daemon.outbox / "scan.md").write_text("a stranger's")
    picture(daemon.inbox / "scan.png")

    assert daemon.once() == 0
    assert left(daemon.outbox) == ["scan (2).json", "scan (2).md", "scan (2).txt", "scan.md"]


def test_replacing_concerns_our_own_files_only(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"conflict": "overwrite"})
    daemon.outbox.mkdir()
    (daemon.outbox / "theirs.txt").write_text("a stranger's")
    for number in (1, 2):
        text = picture(daemon.inbox / "ours.png", number)
        theirs = picture(daemon.inbox / "theirs.png", 10 + number)
        assert daemon.once() == 0

    assert (daemon.outbox / "ours.txt").read_text().strip() == text
    assert (daemon.outbox / "theirs.txt").read_text() == "a stranger's"
    assert left(daemon.outbox) == ["ours.txt", "theirs (2).txt", "theirs.txt"]
    assert (daemon.outbox / "theirs (2).txt").read_text().strip() == theirs


def test_replacing_spares_what_somebody_put_in_the_place_of_ours(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"conflict": "overwrite"})
    picture(daemon.inbox / "scan.png", 1)
    assert daemon.once() == 0
    (daemon.outbox / "scan.txt").unlink()
    (daemon.outbox / "note").write_text("my own words")
    (daemon.outbox / "note").rename(daemon.outbox / "scan.txt")
    picture(daemon.inbox / "scan.png", 2)
    picture(daemon.inbox / "scan.jpeg", 3)

    assert daemon.once() == 0
    assert (daemon.outbox / "scan.txt").read_text() == "my own words"
    assert left(daemon.outbox) == ["scan (2).txt", "scan (3).txt", "scan.txt"]


def test_a_read_is_answered_while_the_queue_is_paused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = picture(tmp_path / "elsewhere.png")
    with daemon.start():
        daemon.ask("pause")
        assert daemon.run("read", str(tmp_path / "elsewhere.png")).stdout.strip() == text
        wait_for(lambda: not list((daemon.state / "read").glob("*")), "the text in the state folder goes")


def test_a_file_that_changes_while_it_is_read_is_read_again_and_the_old_text_dropped(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=1)
    with daemon.start():
        picture(daemon.inbox / "scan.png", 1)
        daemon.wait_status(lambda s: s["current"], "reading has begun")
        second = picture(daemon.inbox / "scan.png", 2)
        daemon.wait_quiet()

        assert left(daemon.outbox) == ["scan.txt"]
        assert (daemon.outbox / "scan.txt").read_text().strip() == second


def test_a_growing_file_is_not_taken_before_it_is_whole(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        whole = tmp_path / "whole.png"
        text = picture(whole)
        data = whole.read_bytes()
        with open(daemon.inbox / "scan.png", "wb") as file:
            for at in range(0, len(data), 20):
                file.write(data[at : at + 20])
                file.flush()
                before = daemon.status()["queue"]
                wait_for(lambda: daemon.status(), "it answers")
                assert before["done"] == 0
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        assert daemon.status()["queue"]["failed"] == 0


def test_a_cut_off_file_waits_for_its_rest_as_long_as_patience_lasts(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "20s", "stable_for": "100ms"})
    text = picture(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    with daemon.start():
        (daemon.inbox / "scan.png").write_bytes(data[: len(data) // 2])
        (daemon.inbox / "empty.png").touch()
        status = daemon.wait_status(
            lambda s: [i["waiting_for"] for i in s["intake"]] == ["incomplete", "incomplete"], "both wait"
        )
        assert status["queue"]["settling"] == 2 and status["queue"]["failed"] == 0

        (daemon.inbox / "scan.png").write_bytes(data)
        (daemon.inbox / "empty.png").write_bytes(data)
        daemon.wait_quiet()
        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        assert left(daemon.failed) == []


def test_what_is_no_file_is_never_opened_and_partial_names_are_left_alone(tmp_path: Path) -> None:
    import os

    daemon = Daemon(tmp_path)
    picture(tmp_path / "outside.png")
    (daemon.inbox / "link.png").symlink_to(tmp_path / "outside.png")
    (daemon.inbox / "up").symlink_to("..")
    os.mkfifo(daemon.inbox / "fifo.png")
    for name in ("x.png.part", "y.crdownload", "~$z.png", ".hidden.png", "t.tmp"):
        (daemon.inbox / name).write_bytes(b"part")
    (daemon.inbox / "folder.download").mkdir()
    picture(daemon.inbox / "folder.download" / "in.png")
    picture(daemon.inbox / "real.png")

    assert daemon.once() == 0
    assert left(daemon.outbox) == ["real.txt"]
    assert (tmp_path / "outside.png").exists() and (daemon.inbox / "x.png.part").exists()


def test_a_crash_costs_one_attempt_and_two_deaths_are_enough(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        picture(daemon.inbox / "poison.png", deed="crash")
        text = picture(daemon.inbox / "good.png")
        daemon.wait_quiet()

        assert (daemon.outbox / "good.txt").read_text().strip() == text
        assert "reason: engine-crash" in (daemon.failed / "poison.png.error.txt").read_text()
        assert daemon.log().count(") died.") in (2, 3)  # once more where another file was in hand: that proves nothing


def test_an_engine_error_is_tried_as_often_as_the_settings_say(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, engine={"attempts": 2})
    picture(daemon.inbox / "odd.png", deed="error")

    assert daemon.once() == 1
    assert "reason: engine-error" in (daemon.failed / "odd.png.error.txt").read_text()
    assert daemon.log().count("attempt 1 failed") == daemon.log().count("attempt 2 failed") == 1


def test_a_hang_ends_at_the_time_limit_and_status_answers_meanwhile(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, engine={"page_timeout": "500ms", "attempts": 1}, model={"shutdown_grace": "1s"})
    with daemon.start():
        picture(daemon.inbox / "stuck.png", deed="hang")
        daemon.wait_status(lambda s: s["current"], "it hangs")
        picture(daemon.inbox / "good.png")
        daemon.wait_quiet()

        assert "reason: engine-timeout" in (daemon.failed / "stuck.png.error.txt").read_text()
        assert left(daemon.outbox) == ["good.txt"]


def test_a_worker_that_prints_without_end_disturbs_nothing(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = picture(daemon.inbox / "loud.png", deed="loud")

    assert daemon.once() == 0
    assert (daemon.outbox / "loud.txt").read_text().strip() == text


def test_pause_holds_and_resume_goes_on_over_a_restart(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).start()
    assert daemon.run("pause").returncode == 0
    picture(daemon.inbox / "scan.png")
    status = daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
    assert status["queue"]["paused"] and status["queue"]["paused_reason"] == "paused by command"
    assert daemon.stop() == 0

    with daemon.start():
        assert daemon.status()["queue"]["paused"]
        assert daemon.run("resume").returncode == 0
        daemon.wait_quiet()
        assert left(daemon.outbox) == ["scan.txt"]


def test_a_file_that_changes_while_it_waits_is_not_told_as_gone(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        daemon.ask("pause")
        for number in range(3):
            picture(tmp_path / "new.png", number)
            (tmp_path / "new.png").rename(daemon.inbox / "scan.png")
            wait_for(lambda n=number: daemon.log().count("changed before it was read") == n, "the change is told")
            daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
        daemon.ask("resume")
        status = daemon.wait_quiet()
    assert (status["queue"]["done"], status["queue"]["gone"]) == (1, 0)
    assert [(item["name"], item["state"]) for item in status["recent"]] == [("scan.png", "done")]


def test_retry_gives_a_failed_file_another_chance_with_and_without_a_daemon(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (daemon.inbox / "sub").mkdir()
    (daemon.inbox / "sub" / "broken.png").write_bytes(b"no picture")
    assert daemon.once() == 1
    assert daemon.run("retry", "--all").stdout == "moved to the inbox: sub/broken.png\n"
    assert left(daemon.failed) == [] and left(daemon.inbox) == ["sub/broken.png"]
    assert not (daemon.failed / "sub").exists()

    assert daemon.once() == 1
    with daemon.start():
        assert daemon.run("retry", "broken.png").returncode == 0
        daemon.wait_status(lambda s: s["queue"]["failed"] == 1, "it has failed again")
        status = daemon.status()
        assert status["queue"]["gone"] == 0 and [item["state"] for item in status["recent"]] == ["failed"]
        unknown = daemon.run("retry", "nothing.png", "broken.png")
        assert (unknown.returncode, unknown.stdout) == (1, "moved to the inbox: sub/broken.png\n")
        assert unknown.stderr.startswith("error: retry: nothing.png is not in the failed folder\n  try: ")


def test_a_retry_of_many_is_answered_when_all_are_back_and_holds_up_nobody_else(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    names = sorted(f"broken {n}.png" for n in range(60))
    for name in names:
        (daemon.inbox / name).write_bytes(b"no picture")
    assert daemon.once() == 1
    with daemon.start():
        daemon.ask("pause")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address(str(daemon.state)))
            connection.sendall(b'{"command": "retry", "names": []}\n')
            assert daemon.status()["daemon"]["running"]
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline())

        assert (answer["ok"], answer["moved"], answer["missing"], answer["faults"]) == (True, names, [], [])
        assert left(daemon.inbox) == names and left(daemon.failed) == []


def test_read_prints_the_text_and_moves_nothing_with_and_without_a_daemon(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    text = picture(tmp_path / "elsewhere.png")
    with daemon.start():
        result = daemon.run("read", str(tmp_path / "elsewhere.png"))
        assert (result.returncode, result.stdout.strip()) == (0, text)
        assert (tmp_path / "elsewhere.png").exists() and left(daemon.outbox) == []
        missing = daemon.run("read", str(tmp_path / "nowhere.png"))
        assert missing.returncode == 1 and missing.stderr.startswith("error: ")


def test_a_second_daemon_on_the_same_state_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        assert daemon.process is not None
        second = daemon.run("run", "--once")

        assert second.returncode == 2
        assert f"(pid {daemon.process.pid})" in second.stderr and "  try: " in second.stderr


def test_sigterm_puts_the_page_in_hand_back_and_leaves_no_process(tmp_path: Path) -> None:
    import psutil

    daemon = Daemon(tmp_path, model={"shutdown_grace": "300ms"}).start()
    picture(daemon.inbox / "slow.png", deed="slow")
    status = daemon.wait_status(lambda s: s["current"], "reading has begun")
    worker = psutil.Process(status["model"]["pid"])
    assert daemon.stop() == 0

    assert not worker.is_running()
    assert left(daemon.inbox) == ["slow.png"] and left(daemon.failed) == []
    assert "queued" in daemon.run("status").stdout


def test_status_without_a_daemon_says_so_and_shows_the_journal(tmp_path: Path) -> None:
    import json

    daemon = Daemon(tmp_path)
    picture(daemon.inbox / "scan.png")
    assert daemon.once() == 0
    status = json.loads(daemon.run("status", "--json").stdout)

    assert status["daemon"]["running"] is False
    assert status["queue"]["done"] == 1
    assert status["recent"][0]["outputs"] == ["scan.txt"]


def test_a_killed_worker_leaves_its_job_to_the_next_one(tmp_path: Path) -> None:
    import os
    import signal

    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=0.5)
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["current"], "reading has begun")
        os.kill(status["model"]["pid"], signal.SIGKILL)
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        assert daemon.status()["model"]["last_unload"]["reason"] == "crash"


def test_a_file_without_any_text_says_so_in_the_log_and_in_the_status(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        Image.new("RGB", (60, 40), "white").save(daemon.root / "white.png")
        (daemon.root / "white.png").rename(daemon.inbox / "white.png")
        picture(daemon.inbox / "written.png", 3)
        status = daemon.wait_status(done(2), "both are read")
        shown = daemon.run("status").stdout

        assert {item["name"]: item["detail"] for item in status["recent"]} == {
            "white.png": "no text found", "written.png": None,
        }  # fmt: skip
        assert "white.png: 1 page in" in daemon.log() and daemon.log().count(", no text found") == 1
        assert shown.count("(no text found)") == 1
