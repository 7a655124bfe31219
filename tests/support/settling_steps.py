"""Looks at one file, judged at a moment of a clock that tests turn by hand."""

from dropscribe.core.job import Signature
from dropscribe.intake.scan import FileInfo, Obstacle
from dropscribe.intake.settling import Rejected, Settled, SettlingTable, Waiting

WALL = 1_000_000.0
ONE, OTHER = Signature(10, 1, 1, 1), Signature(20, 2, 1, 1)
EMPTY = Signature(0, 1, 1, 1)


def judge(
    table: SettlingTable,
    now: float,
    signature: Signature | None = ONE,
    obstacle: Obstacle | None = None,
    path: bytes = b"a",
    probed: bool = True,
) -> Settled | Rejected | None:
    return table.judge(FileInfo(path, signature, obstacle, probed=probed), now, WALL + now)


def waiting(table: SettlingTable) -> dict[bytes, Waiting]:
    return dict(table.waiting())
