"""`history`: a running daemon tells what its model and memory were like."""

from pathlib import Path

from support.harness import Daemon


def test_the_day_of_a_daemon_that_reads_a_file_and_unloads(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(hold_mb=20)
    with daemon.start():
        daemon.read_one()
        daemon.run("unload")
        daemon.wait_status(lambda s: s["model"]["state"] == "cold", "the model is unloaded")
        told = daemon.ask("history")

    assert told["ok"]
    assert [(mark["what"], mark["reason"]) for mark in told["marks"]] == [("loading", None), ("unloading", "command")]
    assert {"time", "state", "footprint_bytes", "available_bytes", "queued"} == set(told["samples"][0])
    assert all(sample["available_bytes"] > 0 for sample in told["samples"])
    assert max(sample["footprint_bytes"] or 0 for sample in told["samples"]) > 20 * 10**6
