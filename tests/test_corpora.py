"""Every bad and every odd file of the corpora, in one inbox of the running daemon: decoding is real, reading is false.

`bench/corpora.py` does the same with the real engine and with the pages whose text is known.
"""

import sys
from pathlib import Path

import pytest

from support.corpus import corpus_entries
from support.harness import Daemon

sys.path.append(str(Path(__file__).with_name("bench")))  # the measurements are programs, not modules

import corpora as bench

ENTRIES = [e for kind in ("bad", "variety") for e in corpus_entries(split="open", kind=kind)]
REASONS = {  # of every file with that tag that fails
    "zero-byte": "empty",
    "truncated": "truncated",
    "encrypted": "encrypted",
    "wrong-extension": "not-an-image",
    "unsupported": "unsupported",
    "bomb": "too-many-pixels",
    "many-pages": "too-many-pages",
}
MOST_RESIDENT = 48 << 20  # bytes: the daemon opens no picture, so none of them can make it grow
pytestmark = [
    pytest.mark.skipif(not ENTRIES, reason="no corpora beside this checkout"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def test_every_bad_or_odd_file_ends_where_it_should_and_harms_nobody(tmp_path: Path) -> None:
    wanted = {"formats": ["txt", "json"], "originals": "archive"}
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "2s"}, output=wanted)
    with daemon.counting().start():
        dropped = bench.drop(ENTRIES, daemon.inbox)
        seen = bench.drain(daemon, dropped, deadline=540, every=0.1)
        counted = daemon.status()["queue"]

    assert {file.entry["id"]: what for file in dropped if (what := bench.fault(daemon, file))} == {}
    ends = [bench.place(daemon, file) for file in dropped]
    assert (counted["done"], counted["failed"], counted["gone"]) == (ends.count("archive"), ends.count("failed"), 0)
    assert bench.deaths(daemon) == [] and daemon.starts() == 1
    assert max(seen.resident) < MOST_RESIDENT
    for tag, reason in REASONS.items():
        failed = [file for file in dropped if tag in file.entry["tags"] and bench.place(daemon, file) == "failed"]
        assert {bench.reason(daemon, file)[0] for file in failed} == {reason}, tag
