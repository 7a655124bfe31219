"""Every open file of the corpora beside the checkout through a real daemon: where each ended, how long, how well read.

    python tests/bench/corpora.py [--kinds bad variety] [--engine fake] [--keep FOLDER] [--save FILE]

It drops the files into one inbox (a folder for each, so that an output tells which file it is of), waits until all is
done, compares each file's end with what the index expects, and scores the texts with `shared/tools/score.py`.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accuracy import SHARED, load_scorer, show, wanted
from bench_pictures import table  # it finds the harness

from dropscribe.core.errors import Kind, Reason
from support.corpus import CORPORA, corpus_entries
from support.harness import FAKE_DAEMON, REAL_DAEMON, Daemon, left

# Called truncated, and its last byte is missing indeed: half of the mark behind the last block. Every block is there.
WHOLE = {"pillow-truncated_jpeg.jpg"}
NOTE = ".error.txt"
UNFINISHED = ("settling", "queued", "running", "written", "rejected")
IGNORED = "ignored-or-reported"  # what the index expects of droppings and of files that are no pictures


@dataclass(frozen=True)
class Dropped:
    """One file of the corpora, and its path below the inbox."""

    entry: dict[str, Any]
    path: str  # NUMBER/NAME

    @property
    def expect(self) -> str:
        return str(self.entry["expect"])

    def outputs(self, daemon: Daemon, ending: str) -> list[Path]:
        """Return what the daemon wrote for this file in the format with that ending."""
        return sorted((daemon.outbox / self.path).parent.glob("*" + ending))


@dataclass
class Drain:
    """What was seen while the queue went down."""

    seconds: float = 0.0
    resident: list[int] = field(default_factory=list)  # bytes of the daemon itself
    longest: dict[str, float] = field(default_factory=dict)  # seconds in hand at a stretch, by path


def drop(entries: list[dict[str, Any]], inbox: Path) -> list[Dropped]:
    """Copy the files of *entries* into *inbox*, each into a folder of its own."""
    dropped = [Dropped(e, f"{n:03}/{Path(e['path']).name}") for n, e in enumerate(entries)]
    for file in dropped:
        target = inbox / file.path
        target.parent.mkdir(parents=True)
        shutil.copyfile(CORPORA / file.entry["path"], target)
    return dropped


def drain(daemon: Daemon, dropped: list[Dropped], deadline: float, every: float) -> Drain:
    """Wait until the running daemon is done with all files, looking at it *every* so many seconds."""
    begun, seen = time.monotonic(), Drain()
    may_stay = {file.path for file in dropped if file.expect == IGNORED}
    while True:
        status = daemon.status()
        seen.seconds = time.monotonic() - begun
        seen.resident.append(daemon.resident())
        for active in status["active"]:
            seen.longest[active["name"]] = max(active["seconds"], seen.longest.get(active["name"], 0.0))
        if not any(status["queue"][key] for key in UNFINISHED) and set(left(daemon.inbox)) <= may_stay:
            return seen
        assert seen.seconds < deadline, f"not done after {deadline:.0f} s: {json.dumps(status, indent=1)}"
        time.sleep(every)


def place(daemon: Daemon, file: Dropped) -> str:
    """Return where *file* lies now, whole: inbox, archive, failed, or what is wrong instead."""
    data = (CORPORA / file.entry["path"]).read_bytes()
    roots = {"inbox": daemon.inbox, "archive": daemon.archive, "failed": daemon.failed}
    found = [name for name, root in roots.items() if (root / file.path).is_file()]
    if len(found) != 1:
        return f"lost: it is in {' and '.join(found) or 'no folder'}"
    return found[0] if (roots[found[0]] / file.path).read_bytes() == data else f"changed: in {found[0]}"


def reason(daemon: Daemon, file: Dropped) -> tuple[str, str]:
    """Return the reason and the sentence in the note beside a failed file; two empty texts without a proper note."""
    note = daemon.failed / (file.path + NOTE)
    lines = note.read_text("utf-8").splitlines() if note.is_file() else []
    if (
        len(lines) < 3
        or not lines[0].strip()
        or not lines[1].startswith("reason: ")
        or not lines[2].startswith("try: ")
    ):
        return "", ""
    return lines[1].removeprefix("reason: "), lines[0]


def fault(daemon: Daemon, file: Dropped) -> str | None:
    """Return what is wrong with the end of *file*, or None."""
    where = place(daemon, file)
    if where not in ("inbox", "archive", "failed"):
        return where
    allowed = {
        "error": {"failed"},
        "either": {"archive", "failed"},
        IGNORED: {"inbox", "failed"},
    }.get(file.expect, {"archive"})
    if where not in allowed:
        return f"it is in {where}, but {file.expect} is expected ({reason(daemon, file)[1]})"
    return {"archive": _fault_of_output, "failed": _fault_of_note, "inbox": _fault_of_ignored}[where](daemon, file)


def _fault_of_output(daemon: Daemon, file: Dropped) -> str | None:
    texts, documents = file.outputs(daemon, ".txt"), file.outputs(daemon, ".json")
    if len(texts) != 1 or len(documents) != 1:
        return f"it has {len(texts)} texts and {len(documents)} documents"
    if (daemon.failed / (file.path + NOTE)).exists():
        return "it has an output and a note"
    document = json.loads(documents[0].read_text("utf-8"))
    if document["source"]["sha256"] != file.entry["sha256"] or len(document["pages"]) != document["source"]["pages"]:
        return "its output is of another file, or not of all pages"
    tags = file.entry["tags"]
    if "truncated" in tags and file.entry["id"] not in WHOLE and not document["review"]:
        return "half a picture is passed off as a whole one"
    if "lying-text-layer" in tags and any(page["text_source"] == "pdf" for page in document["pages"]):
        return "a text layer that does not say what is on the page was believed"
    return None


def _fault_of_note(daemon: Daemon, file: Dropped) -> str | None:
    short, sentence = reason(daemon, file)
    if file.outputs(daemon, ""):
        return "it has failed and has outputs"
    if short not in set(Reason) or Reason(short).kind is Kind.ENVIRONMENT:
        return f"no proper note with a reason of its own ({short or 'none'})"
    if not re.fullmatch(r"[A-Z].*[.)!]", sentence):
        return f"the note does not begin with a sentence: {sentence}"
    return None


def _fault_of_ignored(daemon: Daemon, file: Dropped) -> str | None:
    return "it is ignored and has outputs" if file.outputs(daemon, "") else None


def deaths(daemon: Daemon) -> list[str]:
    """Return what the log says of workers that died."""
    return re.findall(r"the worker \(pid \d+\) died.*", daemon.log())


def texts(daemon: Daemon, dropped: list[Dropped], folder: Path) -> None:
    """Copy the texts into *folder* under the names that score.py wants."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in dropped:
        for text in file.outputs(daemon, ".txt"):
            shutil.copyfile(text, folder / (re.sub(r"[/\0]", "_", file.entry["id"]) + ".txt"))


def report(daemon: Daemon, dropped: list[Dropped], seen: Drain, bound: float) -> int:
    """Print where everything ended; return the number of faults."""
    ends: dict[tuple[str, str], list[str]] = {}
    for file in dropped:
        end = place(daemon, file)
        end += f" ({reason(daemon, file)[0]})" if end == "failed" else ""
        ends.setdefault((f"{file.entry['kind']}, {file.entry['expect']}", end), []).append(file.entry["id"])
    table(("kind, expected", "end", "files"), *((*key, len(ends[key])) for key in sorted(ends)))
    for file in dropped:
        if place(daemon, file) == "failed":
            print(f"failed: {file.entry['id']}: {' | '.join(reason(daemon, file))}")
    faults = [f"{file.entry['id']}: {what}" for file in dropped if (what := fault(daemon, file))]
    faults += [f"{name}: {took:.0f} s, more than {bound:.0f}" for name, took in seen.longest.items() if took > bound]
    print(*(f"FAULT: {line}" for line in faults), *deaths(daemon), sep="\n")
    slowest = sorted(seen.longest.items(), key=lambda item: -item[1])[:5]
    print("longest in hand: " + ", ".join(f"{name} {took:.1f} s" for name, took in slowest))
    first, last, most = seen.resident[0], seen.resident[-1], max(seen.resident)
    print(f"the daemon itself: {first / 1e6:.1f} MB at first, {most / 1e6:.1f} at most, {last / 1e6:.1f} at the end")
    workers = len(re.findall(r"loading \S+ \(worker \d+\)", daemon.log()))
    print(f"{len(dropped)} files in {seen.seconds:.0f} s, {workers} workers, {len(deaths(daemon))} deaths", end=", ")
    print(f"{len(faults)} faults", flush=True)
    return len(faults)


def score(daemon: Daemon, dropped: list[Dropped], save: str | None) -> None:
    """Print how well the texts agree with what is known to be on the pictures."""
    scorer = load_scorer(SHARED / "tools" / "score.py")
    if scorer is None:
        return
    ids = [file.entry["id"] for file in dropped]
    folder = daemon.root / "texts"
    texts(daemon, dropped, folder)
    result = scorer.score(wanted(scorer, ids), CORPORA, folder)
    if result["files"]:
        show(result, {})
    if save:
        Path(save).write_text(json.dumps(result, indent=1), "utf-8")


def main() -> int:
    """Run, print, and return 1 if anything ended wrong."""
    parser = argparse.ArgumentParser(description="Put the corpora through a real daemon.")
    parser.add_argument("--kinds", nargs="+", default=["ocr-gt", "bad", "variety"])
    parser.add_argument("--engine", choices=("real", "fake"), default="real")
    parser.add_argument("--bound", type=float, default=120, help="seconds that a file may be in hand")
    parser.add_argument("--deadline", type=float, default=3600, help="seconds for everything")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the folders of the daemon there")
    parser.add_argument("--save", metavar="FILE", help="write the score of every file here, as JSON")
    given = parser.parse_args()
    entries = [entry for entry in corpus_entries(split="open") if entry["kind"] in given.kinds]
    if not entries:
        print(f"nothing measured: there are no corpora in {SHARED}")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        command = REAL_DAEMON if given.engine == "real" else FAKE_DAEMON
        daemon = Daemon(
            Path(given.keep or scratch),
            command,
            intake={"stable_for": "500ms", "incomplete_timeout": "2s"},
            output={"formats": ["txt", "json"], "originals": "archive"},
            log={"level": "info"},
        )
        with daemon.start():
            dropped = drop(entries, daemon.inbox)
            seen = drain(daemon, dropped, given.deadline, every=0.25)
        faults = report(daemon, dropped, seen, given.bound)
        if given.engine == "real":
            score(daemon, dropped, given.save)
    return 1 if faults else 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main())
