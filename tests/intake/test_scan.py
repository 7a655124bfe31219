"""A look tells what lies there and never follows, blocks on, or takes anything but a regular file."""

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.config import checked
from dropscribe.core.job import Signature
from dropscribe.intake.intake import Intake
from dropscribe.intake.left_alone import MOST, LeftAlone
from dropscribe.intake.scan import SLICE, FileInfo, Obstacle, Scan, Slice, at, root_identity
from dropscribe.intake.settling import ROOM

PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    (tmp_path / "inbox").mkdir()
    return os.fsencode(tmp_path / "inbox")


def put(root: bytes, path: bytes, data: bytes = PNG) -> bytes:
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)
    return path


def look(root: bytes, path: bytes, *, probe: bool = True) -> FileInfo:
    (found,) = at(root, [path], probe=probe)
    return found


def walked(scan: Scan) -> tuple[list[bytes], int]:
    """Return all paths of a scan, and in how many slices they came."""
    paths, slices = [], 0
    while True:
        part = scan.step()
        slices += 1
        paths += [found.path for found in part.infos]
        if part.last:
            return paths, slices


# -- one path


@pytest.mark.parametrize("path", [b"a.png", b"sub/deep/a.png", b"\xff\n.png", b"x" * 255])
def test_a_regular_file_is_told_with_its_signature(root: bytes, path: bytes) -> None:
    put(root, path)

    assert look(root, path) == FileInfo(path, Signature.of(os.stat(os.path.join(root, path))), probed=True)


@pytest.mark.parametrize(
    "name, data, obstacle",
    [
        (b"a.png", PNG, None), (b"no ending", PNG, None), (b"a.txt", PNG, None), (b"a.PNG", b"nonsense", None),
        (b"a.pdf", b"x", None), (b"a.txt", b"plain words", Obstacle.UNWANTED), (b"a", b"\0\1\2", Obstacle.UNWANTED),
        (b"a.zip", b"PK\x03\x04 %PDF-1.4", Obstacle.UNWANTED), (b"a.png", b"", Obstacle.EMPTY),
        (b"a.txt", b"", Obstacle.EMPTY), (b"a.xyz", b"mail header\n%PDF-1.7", None),
    ],
)  # fmt: skip
def test_name_or_content_make_a_file_wanted(root: bytes, name: bytes, data: bytes, obstacle: Obstacle | None) -> None:
    put(root, name, data)

    assert look(root, name).obstacle is obstacle


def test_without_a_probe_nothing_is_opened_and_no_fault_is_told(root: bytes) -> None:
    put(root, b"a.txt", b"words")
    put(root, b"empty.png", b"")

    for name in (b"a.txt", b"empty.png"):
        assert (look(root, name, probe=False).obstacle, look(root, name, probe=False).probed) == (None, False)
    assert [found.probed for found in Scan(root, b"", ()).step().infos] == [False, False]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "socket", "nothing", "below a file"])
def test_what_is_no_regular_file_is_never_opened(root: bytes, kind: str) -> None:
    put(root, b"real.png")
    path = b"odd.png"
    full = os.path.join(root, path)
    sock = None
    if kind == "link":
        os.symlink(b"real.png", full)
    elif kind == "dangling link":
        os.symlink(b"nowhere", full)
    elif kind == "pipe":
        os.mkfifo(full)
    elif kind == "socket":
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(full)
        sock.close()
    elif kind == "below a file":
        path = b"real.png/x.png"

    what = {"link": "a link", "dangling link": "a link", "pipe": "a pipe", "socket": "a socket"}.get(kind)
    assert look(root, path) == FileInfo(path, None, strange=what)
    scan = Scan(root, b"", ())
    assert walked(scan)[0] == [b"real.png"]
    assert scan.strange == ({path: what} if what else {})


def test_links_under_hidden_names_and_those_of_systems_are_not_told(root: bytes) -> None:
    for name in (b".png", b"~$a.png", b"@eaDir", b"Thumbs.db", b"a.part", b"told.png"):
        os.symlink(b"nowhere", os.path.join(root, name))
    scan = Scan(root, b"", ())

    assert walked(scan) == ([], 1) and scan.strange == {b"told.png": "a link"}
    assert look(root, b"@eaDir").strange is None


def test_a_link_that_comes_behind_a_scan_is_told_once() -> None:
    left = LeftAlone()

    assert left.seen(b"late.png", "a link") and left.scanned({b"a.png": "a pipe"}, 0) == {b"a.png": "a pipe"}
    assert dict(left) == {b"late.png": "a link", b"a.png": "a pipe"}
    assert left.scanned({b"late.png": "a link"}, 0) == {} and dict(left) == {b"late.png": "a link"}


def test_any_number_of_links_is_counted_and_only_the_first_are_remembered(root: bytes) -> None:
    for number in range(MOST + 5):
        os.symlink(b"nowhere", os.path.join(root, b"%d.png" % number))
    scan, left = Scan(root, b"", ()), LeftAlone()

    assert walked(scan) == ([], 1) and (len(scan.strange), scan.more_strange) == (MOST, 5)
    assert left.scanned(scan.strange, scan.more_strange) == scan.strange and len(left) == MOST + 5
    assert left.scanned(scan.strange, scan.more_strange) == {} and not left.seen(b"another.png", "a link")
    gone = next(iter(scan.strange))
    assert not left.seen(gone, None) and left.seen(b"another.png", "a link") and len(list(left)) == MOST


def test_nothing_below_a_link_is_looked_at(root: bytes, tmp_path: Path) -> None:
    put(os.fsencode(tmp_path), b"private/sub/a.png")
    os.symlink(os.fsencode(tmp_path / "private"), root + b"/link")

    for path in (b"link/sub/a.png", b"link/sub"):
        assert look(root, path) == FileInfo(path, None)
    with pytest.raises(OSError):
        Scan(root, b"link/sub", ()).step()


def test_the_inbox_itself_may_be_a_link(root: bytes) -> None:
    put(root, b"sub/a.png")
    os.symlink(root, root + b".link")

    assert look(root + b".link", b"sub/a.png") == look(root, b"sub/a.png")
    assert walked(Scan(root + b".link", b"", ()))[0] == [b"sub/a.png"]


def test_a_folder_is_told_as_one_and_a_link_to_a_folder_is_not(root: bytes) -> None:
    os.mkdir(root + b"/sub")
    os.symlink(b"sub", root + b"/link")

    assert look(root, b"sub") == FileInfo(b"sub", None, folder=True)
    assert look(root, b"link") == FileInfo(b"link", None, strange="a link")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told_as_such(root: bytes) -> None:
    put(root, b"a.png")
    os.chmod(root + b"/a.png", 0)

    assert look(root, b"a.png").obstacle is Obstacle.PERMISSION


def test_several_paths_are_told_in_the_order_asked(root: bytes) -> None:
    put(root, b"b.png")

    assert [found.path for found in at(root, [b"z", b"b.png", b"a"], probe=True)] == [b"z", b"b.png", b"a"]


# -- everything


def test_a_scan_finds_every_wanted_file_once(root: bytes) -> None:
    wanted = [put(root, p) for p in (b"a.png", b"sub/b.png", b"sub/deep/\xff\n.pdf", b"sub2/empty.png", b"notes.txt")]
    for path in (b".hidden/a.png", b"sub/.a.png", b"a.png.part", b"X.app/a.png", b"raw/a.png", b"sub/@eaDir/a.png",
                 b"#recycle/a.png", b"$RECYCLE.BIN/S-1-5/a.png"):  # fmt: skip
        put(root, path)
    os.makedirs(root + b"/nothing/in/here")

    paths, slices = walked(Scan(root, b"", ["raw/*"]))

    assert (sorted(paths), slices) == (sorted(wanted), 1)


def test_a_scan_of_a_folder_stays_in_it_and_names_from_the_inbox(root: bytes) -> None:
    for path in (b"a.png", b"sub/b.png", b"sub/deep/c.png", b"subway/d.png"):
        put(root, path)

    assert sorted(walked(Scan(root, b"sub", ()))[0]) == [b"sub/b.png", b"sub/deep/c.png"]


@pytest.mark.timeout(20)
def test_a_scan_does_not_follow_links_not_even_in_a_circle(root: bytes, tmp_path: Path) -> None:
    put(root, b"sub/a.png")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.png").write_bytes(PNG)
    os.symlink(os.fsencode(tmp_path / "elsewhere"), root + b"/away")
    os.symlink(root, root + b"/sub/round")
    os.symlink(b"a.png", root + b"/sub/link.png")

    assert walked(Scan(root, b"", ()))[0] == [b"sub/a.png"]


@pytest.mark.parametrize("count", [0, 1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE + 3])
def test_a_scan_comes_in_slices_of_bounded_size(root: bytes, count: int) -> None:
    for number in range(count):
        os.close(os.open(root + b"/%d.png" % number, os.O_CREAT | os.O_WRONLY))

    paths, slices = walked(Scan(root, b"", ()))

    assert (len(set(paths)), len(paths), slices) == (count, count, count // SLICE + 1)


def test_a_folder_that_vanishes_under_a_scan_is_counted_and_the_rest_is_found(root: bytes) -> None:
    for number in range(SLICE):
        put(root, b"%d.png" % number)
    put(root, b"zz-kept/b.png")
    os.mkdir(root + b"/zz-gone")
    scan = Scan(root, b"", ())
    first = scan.step()
    os.rmdir(root + b"/zz-gone")

    rest, _ = walked(scan)

    assert b"zz-kept/b.png" in {found.path for found in first.infos} | set(rest)
    assert len({found.path for found in first.infos} | set(rest)) == SLICE + 1


def test_a_folder_that_cannot_be_listed_at_all_is_an_error(root: bytes) -> None:
    with pytest.raises(OSError):
        Scan(root, b"none", ()).step()
    with pytest.raises(OSError):
        Scan(root + b"/none", b"", ()).step()


@pytest.fixture
def intake(root: bytes, tmp_path: Path) -> Iterator[Intake]:
    folders = {name: str(tmp_path / name) for name in ("inbox", "outbox", "archive", "failed", "state")}
    yield Intake(
        checked({"folders": folders, "intake": {"stable_for": "2s", "incomplete_timeout": "60s"}}, "test"), 0.0, 1000.0
    )


def test_a_scan_alone_never_settles_a_file_that_nobody_opened(intake: Intake, root: bytes) -> None:
    put(root, b"notes.txt", b"plain words")
    intake.take(Scan(root, b"", ()).step().infos, {}, {}, 0.0)

    verdicts = intake.take(Scan(root, b"", ()).step().infos, {}, {}, 30.0)

    assert verdicts == []


def test_a_probed_text_file_waits_for_patience_and_is_then_hopeless(intake: Intake, root: bytes) -> None:
    put(root, b"notes.txt", b"plain words")
    for now in (0.0, 2.0, 30.0, 59.9):
        assert intake.take(at(root, [b"notes.txt"], probe=True), {}, {}, now) == []

    (verdict,) = intake.take(at(root, [b"notes.txt"], probe=True), {}, {}, 60.0)

    assert type(verdict).__name__ == "Rejected"


def test_what_has_a_job_or_was_read_and_kept_is_left_alone(intake: Intake, root: bytes) -> None:
    put(root, b"job.png")
    put(root, b"kept.png")
    (job, kept) = at(root, [b"job.png", b"kept.png"], probe=True)
    assert job.signature is not None and kept.signature is not None
    live, known = {b"job.png": job.signature}, {b"kept.png": (kept.signature.size, kept.signature.mtime_ns)}
    for now in (0.0, 5.0):
        assert intake.take([job, kept], live, known, now) == []
    assert len(intake.table) == 0

    put(root, b"kept.png", PNG + b" changed")
    infos = at(root, [b"kept.png"], probe=True)

    assert intake.take(infos, {}, known, 10.0) == []
    assert len(intake.take(infos, {}, known, 12.0)) == 1


def filled(intake: Intake, now: float) -> None:
    """Leave no room for another candidate."""
    signature = Signature(1, 1, 1, 1)
    intake.take([FileInfo(b"%d.png" % number, signature) for number in range(ROOM)], {}, {}, now)
    assert not intake.table.has_room


def test_without_room_events_become_a_full_look_and_no_further_candidates(intake: Intake, root: bytes) -> None:
    """A hundred thousand files dropped at once must not all be held in memory."""
    scan = intake.current_scan(0.0)
    assert scan is not None
    intake.scanned(scan, Slice([], last=True), 0.0, 0.0)
    assert intake.below([root + b"/new.png"], 0.0) == [b"new.png"] and not intake.scanning
    filled(intake, 0.0)

    assert intake.below([root + b"/other.png"], 1.0) == [] and intake.scanning
    assert intake.current_scan(1.0) is None


def test_a_full_look_that_waits_for_room_keeps_nobody_awake(intake: Intake) -> None:
    """It was due at 60 s; nothing is asked for before the candidates are due."""
    filled(intake, 99.0)

    assert intake.deadline(100.0) == 101.0
    for path, _ in list(intake.table.waiting()):
        intake.table.drop(path)
    assert intake.deadline(100.0) == 100.0


# -- the inbox itself


def test_the_inbox_is_known_by_device_and_inode(root: bytes, tmp_path: Path) -> None:
    identity = root_identity(root)
    assert identity == (os.stat(root).st_dev, os.stat(root).st_ino)
    put(root, b"a.png")
    assert root_identity(root) == identity

    os.rename(root, root + b".away")
    assert root_identity(root) is None
    os.mkdir(root)
    assert root_identity(root) not in (identity, None)


def test_a_file_in_the_place_of_the_inbox_is_no_inbox(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert root_identity(os.fsencode(tmp_path / "file")) is None


def test_without_a_free_file_handle_a_look_says_nothing_of_the_file_or_the_inbox(root: bytes) -> None:
    put(root, b"scan.png")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            look(root, b"scan.png")
        with pytest.raises(OSError, match="Too many open files"):
            root_identity(root)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert look(root, b"scan.png").obstacle is None
