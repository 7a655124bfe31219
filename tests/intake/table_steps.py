"""Looks at one file, judged at a moment of a clock that tests turn by hand."""

from dropscribe.intake.look import Look, Obstacle
from dropscribe.intake.table import Hopeless, Settled, Table, Waiting
from dropscribe.job import Signature

WALL = 1_000_000.0
ONE, OTHER = Signature(10, 1, 1, 1), Signature(20, 2, 1, 1)
EMPTY = Signature(0, 1, 1, 1)


def judge(
    table: Table,
    now: float,
    signature: Signature | None = ONE,
    obstacle: Obstacle | None = None,
    path: bytes = b"a",
    probed: bool = True,
) -> Settled | Hopeless | None:
    return table.judge(Look(path, signature, obstacle, probed=probed), now, WALL + now)


def waiting(table: Table) -> dict[bytes, Waiting]:
    return dict(table.waiting())
