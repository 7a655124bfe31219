"""What keeps files in the inbox from being taken: who may have put them there, who still writes, who can be asked."""

import os
import pwd
from collections.abc import Iterator

from dropscribe.config import Intake
from dropscribe.core.job import printable
from dropscribe.doctor.values import Check, ok, skipped, warning
from dropscribe.files import regular
from dropscribe.intake import opening, scan, writers
from dropscribe.intake.events import REMOTE, file_system
from dropscribe.intake.scan import FileInfo, Obstacle, Rules, Scan
from dropscribe.intake.trust import Trust, user_id

MOST_SLICES = 4  # of the scan: some thousand files are looked at
TRIAL = b".dropscribe-writer"  # hidden: the intake never takes it


def all_of(inbox: str, settings: Intake) -> Iterator[Check]:
    """Judge the folder *inbox* and what lies in it."""
    root = os.fsencode(inbox)
    if not os.path.isdir(root):
        yield skipped("intake", f"{inbox} does not exist")
        return
    told = tells_writers(root)
    yield asked(inbox, told, settings.stable_for)
    rules = Rules(Trust.of(settings.trusted_owners), os.stat(root).st_dev if told else None)
    found, left = _looked(root, settings, rules)
    with opening.folder(root, b"") as folder:
        yield trusted(root, folder.shared, [info.path for info in found if info.obstacle is Obstacle.UNTRUSTED])
    if names := unknown_owners(settings):
        yield warning("trusted owners", f"no user of this machine: {', '.join(names)}", "correct intake.trusted_owners")
    if left:
        what = (
            f"{_named([path + f' ({kind})'.encode() for path, kind in left.items()])}: never taken, links not followed"
        )
        yield warning("left alone", what, "put the file itself into the inbox, and remove what stands for it")
    if waiting := [info.path for info in found if info.obstacle is Obstacle.WRITER]:
        what = f"{_named(waiting)}: open for writing, or a download (.part, .aria2 and the like) lies beside it"
        yield warning("writers", what, "end that program, or remove what is left of a download that was given up")


def tells_writers(root: bytes) -> bool:
    """Say whether the system tells, in the folder *root*, who has a file of ours open for writing; it is tried."""
    if file_system(os.path.realpath(os.fsdecode(root))) in REMOTE:
        return False
    path = os.path.join(root, TRIAL + b"-%d" % os.getpid())
    try:
        with open(path, "xb"):
            return _sees(path)
    except OSError:
        return False  # permissions are another check
    finally:
        if os.path.lexists(path):
            os.unlink(path)


def _sees(path: bytes) -> bool:
    """Say whether the writer that the file at *path* has is seen."""
    with regular.opened(path) as reader:
        return writers.writing(reader) is True


def asked(inbox: str, told: bool, stable_for: float) -> Check:
    """Judge whether writers that are not done are seen (*told*) or only waited for."""
    if told:
        return ok("writers", "a file is not read while a program of this machine has it open for writing")
    return warning(
        "writers", f"in {inbox} the system does not tell who writes: what is unchanged for {stable_for:g} s is whole",
        "raise intake.stable_for above the longest pause of your scanner, or use an inbox on a local disk",
    )  # fmt: skip


def trusted(root: bytes, shared: bool, waiting: list[bytes]) -> Check:
    """Judge an inbox that others can write to, and the files in it that are not taken for that reason."""
    name = "strangers"
    if not waiting:
        what = "others can write to the inbox: files with several names, or of other owners, wait"
        return ok(name, what if shared else "nobody else can write to the inbox")
    owners = sorted({_owner(os.path.join(root, path)) for path in waiting})
    return warning(
        name, f"{_named(waiting)}: not taken, since others can write to its folder and it may be anybody's (owner "
        f"{', '.join(owners)}, or a hard link)",
        f"chmod go-w the folder, or set intake.trusted_owners to [{', '.join(owners)}], or to any",
    )  # fmt: skip


def unknown_owners(settings: Intake) -> list[str]:
    """Return the names in `intake.trusted_owners` that this machine does not know."""
    names = settings.trusted_owners if isinstance(settings.trusted_owners, tuple) else ()
    return [name for name in names if user_id(name) is None]


def _looked(root: bytes, settings: Intake, rules: Rules) -> tuple[list[FileInfo], dict[bytes, str]]:
    """Return the files of an inbox, and what is no file (see `Scan`), as far as is looked."""
    found: list[FileInfo] = []
    walk = Scan(root, b"", settings.ignore)
    for _ in range(MOST_SLICES):
        part = walk.step()
        found += scan.at(root, [info.path for info in part.infos], probe=True, rules=rules)
        if part.last:
            break
    return found, walk.strange


def _owner(path: bytes) -> str:
    try:
        number = os.lstat(path).st_uid
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
    except OSError:
        return "unknown"


def _named(paths: list[bytes]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(map(printable, paths[:3])) + more
