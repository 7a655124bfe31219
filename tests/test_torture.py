"""File-name and timing torture against the running daemon (needs the tools beside the checkout)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.fakes import picture
from support.harness import Daemon, left

TORTURE = Path(__file__).parents[2] / "shared" / "tools" / "torture.py"
pytestmark = [
    pytest.mark.skipif(not TORTURE.is_file(), reason="the torture tool is not beside this checkout"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a.png, a.jpg and a.pdf that hold different pictures."""
    folder = tmp_path_factory.mktemp("samples")
    picture(folder / "a.png", 1, size=(200, 120))
    noise = Image.effect_noise((240, 160), 60).convert("RGB")
    noise.save(folder / "a.jpg", quality=90)
    with Image.open(folder / "a.png") as image:
        image.resize((300, 200)).convert("RGB").save(folder / "a.pdf")
    return folder


def torture(*arguments: str | Path) -> list[dict[str, Any]]:
    command = [sys.executable, str(TORTURE), *map(str, arguments)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def files(folder: Path) -> dict[bytes, bytes]:
    """Return the regular files below *folder*, by their path relative to it."""
    import os

    root = os.fsencode(folder)
    found = {}
    for place, _, names in os.walk(root):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 10**7:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, root)] = file.read()
    return found


def test_every_name_and_special_file_ends_as_it_should(tmp_path: Path, samples: Path) -> None:
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "300ms"})
    cases = torture("static", daemon.inbox, samples)
    before = files(daemon.inbox)
    assert len(cases) > 70

    daemon.once(deadline=300)
    archived, failed = files(daemon.archive), files(daemon.failed)
    for case in cases:
        name = eval(case["path_repr"])
        path = (name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")).split(b"/inbox/")[-1]
        if case["expect"] == "text":
            assert path in archived, case
            assert archived[path] == before[path], case
        elif case["expect"] == "report":
            assert path in failed or path in archived or (daemon.failed / path.decode()).exists(), case
        elif case["expect"] == "none":
            assert path not in archived, case
    texts = [name for name in files(daemon.outbox) if name.endswith(b".txt")]
    assert len(texts) == len(archived)
    assert (samples / "a.png").exists(), "a link's target was touched"
    assert not [name for name in failed if b"passwd" in name]
    everything = len(archived) + len([n for n in failed if not n.endswith(b".error.txt")])
    waiting = [n for n in files(daemon.inbox) if n in before]
    assert everything + len(waiting) >= len(before), "a file is nowhere"


def test_every_timed_scenario_ends_in_one_text_for_the_final_bytes(tmp_path: Path, samples: Path) -> None:
    daemon = Daemon(tmp_path, intake={"stable_for": "2s", "incomplete_timeout": "20s", "rescan_interval": "5s"})
    names = [line.split()[1] for line in _list() if line.startswith("scenario")]
    command = [sys.executable, str(TORTURE), "play", str(daemon.inbox), str(samples)]
    with daemon.start():
        players = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in names]
        told = [json.loads(line) for player in players for line in (player.communicate()[0]).splitlines()]
        # These two find their file read and put away (as root) before their second act.
        assert {case["case"] for case in told} >= set(names) - {"chmod-later", "touch-only"}
        daemon.wait_status(lambda s: s["queue"]["settling"] == 0 and s["queue"]["queued"] == 0, "all is settled", 120)
        status = daemon.wait_status(
            lambda s: not any(s["queue"][k] for k in ("settling", "queued", "running", "written", "rejected")),
            "done",
            120,
        )

    archived, outputs = files(daemon.archive), left(daemon.outbox)
    png, jpg, pdf = ((samples / f"a.{ending}").read_bytes() for ending in ("png", "jpg", "pdf"))
    final = {
        "slow.png": png, "gap.png": png, "prefix.jpg": jpg, "prealloc.png": png, "renamed-in.png": png,
        "download.png": png,
        "replaced.png": jpg, "rewritten.png": png, "phoenix.png": png, "appended.png": png + b"x" * 5000,
        "slow.pdf": pdf,
        "chmod-later.png": png, "moved-dir/inside.png": png, **{f"par-{i}.png": png for i in range(12)},
        **{f"new-{i}.png": png for i in range(10)}, **{f"burst-{i:03d}.png": png for i in range(500)},
        **{f"deleted-{i:02d}.png": png for i in range(1, 30, 2)},
    }  # fmt: skip
    wrong = [name for name, data in final.items() if archived.get(name.encode()) != data]
    assert wrong == []
    stems = {name.rsplit(".", 1)[0] for name in final if not name.startswith("slow")}
    doubled = [name for name in outputs if " (" in name and name.split(" (")[0] in stems]
    assert doubled == []
    assert status["queue"]["failed"] == len([n for n in files(daemon.failed) if n.endswith(b".error.txt")])
    assert set(left(daemon.failed)) <= {"shrinks.png", "shrinks.png.error.txt"}
    assert len(outputs) == len(archived)


def _list() -> list[str]:
    command = [sys.executable, str(TORTURE), "list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
