"""Results appear whole, under names nobody else has, and a crash at any point is finished or undone."""

import os
from pathlib import Path

import msgspec
import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, State
from dropscribe.files import staging
from dropscribe.files.ledger import Ledger
from dropscribe.files.outbox import Changed, Outbox, Taken
from dropscribe.files.places import Place
from dropscribe.files.staging import Manifest

SUFFIXES = (".txt", ".json", ".alto.xml")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def state(tmp_path: Path) -> str:
    (tmp_path / "state").mkdir()
    return str(tmp_path / "state")


@pytest.fixture
def ledger(state: str) -> Ledger:
    return Ledger(state)


@pytest.fixture
def outbox(root: Path, ledger: Ledger) -> Outbox:
    return Outbox(str(root), ledger)


@pytest.fixture
def source(tmp_path: Path) -> bytes:
    (tmp_path / "scan.png").write_bytes(b"picture")
    return os.fsencode(tmp_path / "scan.png")


def a_job(source: bytes, stem: bytes = b"scan", number: int = 1) -> Job:
    return Job(number, b"scan.png", Signature.of(os.stat(source)), 0.0, State.RUNNING, 1, 0, 0, 0, 0, 0, stem, (), None,
               None, None, None)  # fmt: skip


def staged(root: Path, job: Job, suffixes: tuple[str, ...] = SUFFIXES) -> str:
    folder = staging.new_folder(str(root.parent / "state"), job.id, job.claim)
    os.makedirs(folder)
    for suffix in suffixes:
        Path(folder, "out" + suffix).write_text(f"text of {suffix}")
    return folder


def at(source: bytes) -> Place:
    return Place(*os.path.split(source))


def prepared(outbox: Outbox, root: Path, job: Job, suffixes: tuple[str, ...] = SUFFIXES) -> Manifest:
    source = Place(os.fsencode(root.parent), job.path)
    return outbox.prepare(staged(root, job, suffixes), job, suffixes, 1.5, review=True, source=source)


def hidden(root: Path, manifest: Manifest, suffix: str) -> Path:
    """Return where an output lies that has no final name yet."""
    (output,) = (output for output in manifest.outputs if output.suffix == suffix)
    return root / os.fsdecode(os.path.join(os.path.dirname(manifest.stem), output.hidden))


def results(root: Path) -> dict[str, str]:
    """Return what a user sees in the outbox: names (below it) and texts."""
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("[!.]*") if p.is_file()}


def leftovers(root: Path) -> list[str]:
    """Return hidden files in the outbox, and the records of any."""
    records = root.parent / "state" / "temporary"
    found = [*root.rglob(".*"), *(records.iterdir() if records.is_dir() else ())]
    return [path.name for path in found]


# -- publishing


def test_published_files_are_whole_named_and_told(outbox: Outbox, root: Path, source: bytes) -> None:
    job = a_job(source, b"new/sub/sc\nan\xff")
    manifest = prepared(outbox, root, job)

    outputs = outbox.publish(manifest, at(source), ())

    assert outputs == tuple(b"new/sub/sc\nan\xff" + s.encode() for s in SUFFIXES)
    for suffix, name in zip(SUFFIXES, outputs, strict=True):
        with open(os.path.join(os.fsencode(root), name), "rb") as file:
            assert file.read() == f"text of {suffix}".encode()


def test_nothing_hidden_is_left_by_a_publication_that_the_outbox_does_not_take(
    root: Path, ledger: Ledger, source: bytes
) -> None:
    looks = iter([False, True])  # its volume goes between the files and their names
    job = a_job(source)
    with pytest.raises(ReasonedError) as raised:
        Outbox(str(root), ledger, lambda: next(looks)).put(
            staged(root, job), job, SUFFIXES, 1.5, review=False, source=at(source), note="", wrote={}
        )

    assert raised.value.reason is Reason.OUTBOX_MISSING
    assert results(root) == {} and leftovers(root) == []


@pytest.mark.parametrize("done", range(len(SUFFIXES) + 1))
def test_a_crash_between_renames_is_resumed_by_another_life(
    root: Path, ledger: Ledger, state: str, source: bytes, done: int
) -> None:
    job = a_job(source)
    before = prepared(Outbox(str(root), ledger), root, job)
    for suffix in SUFFIXES[:done]:
        os.rename(hidden(root, before, suffix), root / ("scan" + suffix))

    ((_, manifest),) = staging.manifests(state).items()
    again = Outbox(str(root), Ledger(state))
    outputs = again.publish(manifest, at(source), ())

    assert outputs == (b"scan.txt", b"scan.json", b"scan.alto.xml")
    assert results(root) == {"scan" + s: f"text of {s}" for s in SUFFIXES}
    assert leftovers(root) == []
    assert again.publish(manifest, at(source), ()) == outputs
    assert manifest == before
    assert (manifest.job, manifest.path, manifest.seconds, manifest.review) == (1, b"scan.png", 1.5, True)
    assert (manifest.signature, manifest.outbox) == (job.signature, os.fsencode(root))


def test_a_crash_between_link_and_unlink_is_resumed(outbox: Outbox, root: Path, source: bytes) -> None:
    manifest = prepared(outbox, root, a_job(source))
    os.link(hidden(root, manifest, ".txt"), root / "scan.txt")

    outbox.publish(manifest, at(source), ())

    assert results(root) == {"scan" + s: f"text of {s}" for s in SUFFIXES}
    assert leftovers(root) == []


@pytest.mark.parametrize("taken", SUFFIXES)
def test_a_stranger_under_any_of_the_names_keeps_it_and_nothing_of_ours_stays(
    outbox: Outbox, root: Path, source: bytes, taken: str
) -> None:
    manifest = prepared(outbox, root, a_job(source))
    (root / ("scan" + taken)).write_text("a stranger's")

    with pytest.raises(Taken):
        outbox.publish(manifest, at(source), ())

    assert results(root) == {"scan" + taken: "a stranger's"}
    assert leftovers(root) == []


@pytest.mark.parametrize("how", ["rewritten", "replaced", "gone", "a folder now"])
def test_a_changed_original_leaves_nothing_in_the_outbox(outbox: Outbox, root: Path, source: bytes, how: str) -> None:
    manifest = prepared(outbox, root, a_job(source))
    os.unlink(source) if how != "rewritten" else None
    if how == "a folder now":
        os.mkdir(source)
    elif how != "gone":
        Path(os.fsdecode(source)).write_bytes(b"new content")

    with pytest.raises(Changed):
        outbox.publish(manifest, at(source), ())

    assert results(root) == {}


def test_a_change_noticed_after_a_crash_takes_back_what_was_published(
    outbox: Outbox, root: Path, source: bytes
) -> None:
    manifest = prepared(outbox, root, a_job(source))
    os.rename(hidden(root, manifest, ".txt"), root / "scan.txt")
    (root / "scan.json").write_text("a stranger's")
    Path(os.fsdecode(source)).write_bytes(b"new content")

    with pytest.raises(Changed):
        outbox.publish(manifest, at(source), ())

    assert results(root) == {"scan.json": "a stranger's"}


def test_a_result_removed_after_a_crash_is_read_again(outbox: Outbox, root: Path, source: bytes) -> None:
    manifest = prepared(outbox, root, a_job(source))
    os.unlink(hidden(root, manifest, ".txt"))  # published, then removed by somebody

    with pytest.raises(Taken):
        outbox.publish(manifest, at(source), ())

    assert results(root) == {}


def test_a_strangers_file_is_not_taken_for_one_published_before_a_crash(
    outbox: Outbox, root: Path, source: bytes
) -> None:
    manifest = prepared(outbox, root, a_job(source))
    os.rename(hidden(root, manifest, ".txt"), root / "away.txt")  # published, and moved on by somebody
    (root / "scan.txt").write_text("a stranger's")

    with pytest.raises(Taken):
        outbox.publish(manifest, at(source), ())


def test_a_name_taken_while_we_published_another_is_seen(outbox: Outbox, root: Path, source: bytes) -> None:
    (root / "sub").mkdir()
    job = a_job(source, outbox.reserve(b"sub/a.png", [".txt"], [], ()))
    (root / "sub" / "b.txt").write_text("a stranger's")
    manifest = prepared(outbox, root, job, (".txt",))
    outbox.publish(manifest, at(source), ())

    assert outbox.reserve(b"sub/b.png", [".txt"], [], ()) == b"sub/b (2)"


def test_a_stem_that_was_found_taken_is_not_reserved_again(outbox: Outbox, root: Path, source: bytes) -> None:
    (root / "scan.p1-1.jpg").write_text("left from an earlier reading")
    job = a_job(source, outbox.reserve(b"scan.png", [".md"], [], ()))
    manifest = prepared(outbox, root, job, (".md", ".p1-1.jpg"))
    with pytest.raises(Taken):
        outbox.publish(manifest, at(source), ())

    assert outbox.reserve(b"scan.png", [".md"], [], ()) != b"scan"


def test_only_files_named_as_replaceable_are_replaced(outbox: Outbox, root: Path, source: bytes) -> None:
    manifest = prepared(outbox, root, a_job(source))
    (root / "scan.txt").write_text("our own, older")

    outbox.publish(manifest, at(source), {b"scan.txt"})

    assert results(root)["scan.txt"] == "text of .txt"


def test_a_missing_outbox_is_the_environments_fault_and_is_not_made(
    tmp_path: Path, ledger: Ledger, source: bytes
) -> None:
    gone = Outbox(str(tmp_path / "unplugged"), ledger)

    for act in (gone.check, lambda: gone.reserve(b"a.png", [".txt"], [], ())):
        with pytest.raises(ReasonedError) as caught:
            act()
        assert caught.value.reason is Reason.OUTBOX_MISSING
    assert not (tmp_path / "unplugged").exists()


def test_an_outbox_that_is_a_file_is_the_environments_fault(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "out").write_text("not a folder")

    with pytest.raises(ReasonedError):
        Outbox(str(tmp_path / "out"), ledger).check()


def test_a_staged_file_that_is_missing_is_no_success(outbox: Outbox, root: Path, source: bytes) -> None:
    job = a_job(source)
    folder = staged(root, job, (".txt",))

    with pytest.raises(ReasonedError):
        outbox.prepare(folder, job, (".txt", ".json"), 0.0, review=False, source=at(source))

    assert results(root) == {} and leftovers(root) == []


# -- sweeping


def test_staged_files_without_a_whole_manifest_are_swept(outbox: Outbox, root: Path, state: str, source: bytes) -> None:
    manifest = prepared(outbox, root, a_job(source, number=1))
    for number, text in enumerate(["", "{", "[]", '{"job": 1}', '{"job": 1, "new": 2}'], start=2):
        Path(staged(root, a_job(source, number=number)), "manifest.json").write_text(text)
    os.mkfifo(Path(staged(root, a_job(source, number=8)), "manifest.json"))
    staged(root, a_job(source, number=9))

    ((folder, found),) = staging.manifests(state).items()

    assert found == manifest
    assert os.listdir(os.path.join(state, "staged")) == [os.path.basename(folder)]


FORGED = {
    "stem": [b"../../home/x", b"/etc/x", b"a/../../x", b"", b"a//b", b"a\0b"],
    "path": [b"../x", b"/x", b"."],
    "outbox": [b"relative"],
    "outputs": [
        [staging.Output("/../../x", b".dropscribe-1", 1)],
        [staging.Output(".txt", b"../.dropscribe-1", 1)],
        [staging.Output(".txt", b".dropscribe-/../x", 1)],
        [staging.Output(".txt", b"profile", 1)],
    ],
    "job": ["1"],
}


@pytest.mark.parametrize("field, value", [(field, value) for field, values in FORGED.items() for value in values])
def test_a_forged_manifest_is_no_manifest(
    outbox: Outbox, root: Path, state: str, source: bytes, field: str, value: object
) -> None:
    manifest = prepared(outbox, root, a_job(source))
    (folder,) = staging.manifests(state)
    forged = msgspec.structs.asdict(manifest) | {field: value}
    Path(folder, "manifest.json").write_bytes(msgspec.json.encode(forged))

    assert staging.manifests(state) == {}
    assert not os.path.exists(folder)


def test_a_sweep_removes_what_is_on_record_and_nothing_else(
    outbox: Outbox, root: Path, ledger: Ledger, source: bytes, tmp_path: Path
) -> None:
    manifest = prepared(outbox, root, a_job(source, b"sub/scan"))
    for name in (".dropscribe-deadbeef", ".dropscribe", "sub/.dropscribe-1"):
        (root / name).write_text("a stranger's")
    away = ledger.record(os.fsencode(tmp_path / "unplugged"), b"sub")
    ledger.record(os.fsencode(root), b"never made")

    Ledger(str(tmp_path / "state")).sweep()

    assert not any(hidden(root, manifest, suffix).exists() for suffix in SUFFIXES)
    assert sorted(p.name for p in root.rglob(".*")) == [".dropscribe", ".dropscribe-1", ".dropscribe-deadbeef"]
    assert os.listdir(tmp_path / "state" / "temporary") == [os.fsdecode(away)], "its folder cannot be seen now"


def test_a_sweep_leaves_what_is_to_be_published_yet(outbox: Outbox, root: Path, ledger: Ledger, source: bytes) -> None:
    manifest = prepared(outbox, root, a_job(source))

    ledger.sweep({output.hidden for output in manifest.outputs})
    assert outbox.publish(manifest, at(source), ()) == (b"scan.txt", b"scan.json", b"scan.alto.xml")
    assert leftovers(root) == []


def test_what_is_staged_for_a_job_goes_when_it_is_over(root: Path, state: str, source: bytes) -> None:
    for number in (1, 11, 1):
        staged(root, a_job(source, number=number))

    staging.sweep_job(state, 1)

    assert [name.split("-")[0] for name in os.listdir(os.path.join(state, "staged"))] == ["11"]
