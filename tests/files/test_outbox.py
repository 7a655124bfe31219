"""Results appear whole, under names nobody else has, and a crash at any point is finished or undone."""

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, State
from dropscribe.files.outbox import STAGING, Changed, Manifest, Outbox, Taken, staging_folder

SUFFIXES = (".txt", ".json", ".alto.xml")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def outbox(root: Path) -> Outbox:
    return Outbox(str(root))


@pytest.fixture
def source(tmp_path: Path) -> bytes:
    (tmp_path / "scan.png").write_bytes(b"picture")
    return os.fsencode(tmp_path / "scan.png")


def a_job(source: bytes, stem: bytes = b"scan", number: int = 1) -> Job:
    return Job(number, b"scan.png", Signature.of(os.stat(source)), 0.0, State.RUNNING, 1, 0, 0, 0, 0, 0, stem, (), None,
               None, None, None)  # fmt: skip


def staged(root: Path, job: Job, suffixes: tuple[str, ...] = SUFFIXES) -> str:
    folder = staging_folder(str(root), job.id, job.claim)
    os.makedirs(folder)
    for suffix in suffixes:
        Path(folder, "out" + suffix).write_text(f"text of {suffix}")
    return folder


def prepared(outbox: Outbox, root: Path, job: Job, suffixes: tuple[str, ...] = SUFFIXES) -> tuple[str, Manifest]:
    folder = staged(root, job, suffixes)
    return folder, outbox.prepare(folder, job, suffixes, 1.5, review=True)


def results(root: Path) -> dict[str, str]:
    """Return what a user sees in the outbox: names (below it) and texts."""
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file() and STAGING not in p.parts}


# -- publishing


def test_published_files_are_whole_named_and_told(outbox: Outbox, root: Path, source: bytes) -> None:
    job = a_job(source, b"new/sub/sc\nan\xff")
    folder, manifest = prepared(outbox, root, job)

    outputs = outbox.publish(folder, manifest, source, ())

    assert outputs == tuple(b"new/sub/sc\nan\xff" + s.encode() for s in SUFFIXES)
    for suffix, name in zip(SUFFIXES, outputs, strict=True):
        with open(os.path.join(os.fsencode(root), name), "rb") as file:
            assert file.read() == f"text of {suffix}".encode()


@pytest.mark.parametrize("done", range(len(SUFFIXES) + 1))
def test_a_crash_between_renames_is_resumed_by_another_life(root: Path, source: bytes, done: int) -> None:
    job = a_job(source)
    folder, _ = prepared(Outbox(str(root)), root, job)
    for suffix in SUFFIXES[:done]:
        os.rename(os.path.join(folder, "out" + suffix), root / ("scan" + suffix))

    ((found, manifest),) = (again := Outbox(str(root))).manifests().items()
    outputs = again.publish(found, manifest, source, ())

    assert outputs == (b"scan.txt", b"scan.json", b"scan.alto.xml")
    assert results(root) == {"scan" + s: f"text of {s}" for s in SUFFIXES}
    assert again.publish(found, manifest, source, ()) == outputs
    assert (manifest.job, manifest.path, manifest.seconds, manifest.review) == (1, "scan.png", 1.5, True)
    assert manifest.signature == asdict(job.signature)


def test_a_crash_between_link_and_unlink_is_resumed(outbox: Outbox, root: Path, source: bytes) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    os.link(os.path.join(folder, "out.txt"), root / "scan.txt")

    outbox.publish(folder, manifest, source, ())

    assert results(root) == {"scan" + s: f"text of {s}" for s in SUFFIXES}
    assert os.listdir(folder) == ["manifest.json"]


@pytest.mark.parametrize("taken", SUFFIXES)
def test_a_stranger_under_any_of_the_names_keeps_it_and_nothing_of_ours_stays(
    outbox: Outbox, root: Path, source: bytes, taken: str
) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    (root / ("scan" + taken)).write_text("a stranger's")

    with pytest.raises(Taken):
        outbox.publish(folder, manifest, source, ())

    assert results(root) == {"scan" + taken: "a stranger's"}


@pytest.mark.parametrize("how", ["rewritten", "replaced", "gone", "a folder now"])
def test_a_changed_original_leaves_nothing_in_the_outbox(outbox: Outbox, root: Path, source: bytes, how: str) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    os.unlink(source) if how != "rewritten" else None
    if how == "a folder now":
        os.mkdir(source)
    elif how != "gone":
        Path(os.fsdecode(source)).write_bytes(b"new content")

    with pytest.raises(Changed):
        outbox.publish(folder, manifest, source, ())

    assert results(root) == {}


def test_a_change_noticed_after_a_crash_takes_back_what_was_published(
    outbox: Outbox, root: Path, source: bytes
) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    os.rename(os.path.join(folder, "out.txt"), root / "scan.txt")
    (root / "scan.json").write_text("a stranger's")
    Path(os.fsdecode(source)).write_bytes(b"new content")

    with pytest.raises(Changed):
        outbox.publish(folder, manifest, source, ())

    assert results(root) == {"scan.json": "a stranger's"}


def test_a_result_removed_after_a_crash_is_read_again(outbox: Outbox, root: Path, source: bytes) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    os.unlink(os.path.join(folder, "out.txt"))  # published, then removed by somebody

    with pytest.raises(Taken):
        outbox.publish(folder, manifest, source, ())

    assert results(root) == {}


def test_a_strangers_file_is_not_taken_for_one_published_before_a_crash(
    outbox: Outbox, root: Path, source: bytes
) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    os.rename(os.path.join(folder, "out.txt"), root / "away.txt")  # published, and moved on by somebody
    (root / "scan.txt").write_text("a stranger's")

    with pytest.raises(Taken):
        outbox.publish(folder, manifest, source, ())


def test_a_name_taken_while_we_published_another_is_seen(outbox: Outbox, root: Path, source: bytes) -> None:
    (root / "sub").mkdir()
    job = a_job(source, outbox.reserve(b"sub/a.png", [".txt"], [], ()))
    (root / "sub" / "b.txt").write_text("a stranger's")
    folder, manifest = prepared(outbox, root, job, (".txt",))
    outbox.publish(folder, manifest, source, ())

    assert outbox.reserve(b"sub/b.png", [".txt"], [], ()) == b"sub/b (2)"


def test_a_stem_that_was_found_taken_is_not_reserved_again(outbox: Outbox, root: Path, source: bytes) -> None:
    (root / "scan.p1-1.jpg").write_text("left from an earlier reading")
    job = a_job(source, outbox.reserve(b"scan.png", [".md"], [], ()))
    folder, manifest = prepared(outbox, root, job, (".md", ".p1-1.jpg"))
    with pytest.raises(Taken):
        outbox.publish(folder, manifest, source, ())

    assert outbox.reserve(b"scan.png", [".md"], [], ()) != b"scan"


def test_only_files_named_as_replaceable_are_replaced(outbox: Outbox, root: Path, source: bytes) -> None:
    folder, manifest = prepared(outbox, root, a_job(source))
    (root / "scan.txt").write_text("our own, older")

    outbox.publish(folder, manifest, source, {b"scan.txt"})

    assert results(root)["scan.txt"] == "text of .txt"


def test_a_missing_outbox_is_the_environments_fault_and_is_not_made(tmp_path: Path, source: bytes) -> None:
    gone = Outbox(str(tmp_path / "unplugged"))

    for act in (gone.check, gone.manifests, lambda: gone.reserve(b"a.png", [".txt"], [], ())):
        with pytest.raises(ReasonedError) as caught:
            act()
        assert caught.value.reason is Reason.OUTBOX_MISSING
    assert not (tmp_path / "unplugged").exists()


def test_an_outbox_that_is_a_file_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")

    with pytest.raises(ReasonedError):
        Outbox(str(tmp_path / "out")).check()


def test_a_staged_file_that_is_missing_is_no_success(outbox: Outbox, root: Path, source: bytes) -> None:
    job = a_job(source)
    folder = staged(root, job, (".txt",))

    with pytest.raises(ReasonedError):
        outbox.prepare(folder, job, (".txt", ".json"), 0.0, review=False)

    assert results(root) == {}


# -- sweeping


def test_staged_files_without_a_whole_manifest_are_swept(outbox: Outbox, root: Path, source: bytes) -> None:
    keep, manifest = prepared(outbox, root, a_job(source, number=1))
    for number, text in enumerate(["", "{", "[]", '{"job": 1}', '{"job": 1, "new": 2}'], start=2):
        folder = staged(root, a_job(source, number=number))
        Path(folder, "manifest.json").write_text(text)
    staged(root, a_job(source, number=9))

    assert outbox.manifests() == {keep: manifest}
    assert os.listdir(root / STAGING) == ["1-1"]


def test_the_last_sweep_leaves_no_hidden_folder(outbox: Outbox, root: Path, source: bytes) -> None:
    one, other = (staged(root, a_job(source, number=n)) for n in (1, 2))

    outbox.sweep(one)
    assert os.listdir(root / STAGING) == ["2-1"]
    outbox.sweep(other)
    outbox.sweep(other)

    assert os.listdir(root) == []
