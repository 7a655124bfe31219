"""What a Mac may still load: the cases of an audit of the kernel's sources, and the edges of the rule.

The table: wired + compressor and the kernel's share N are given, so the compressor follows; how much of the rest is
free or file-backed is assumed, the least favourable first.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.memory.projection import DROPPABLE, LEAST_UNCOMPRESSED, Pages, project, share_after

GB = 10**9
NEED = 3_910_000_000  # weights 2.40, cache .51, work 1.0: before any load has been measured
LEAN = 3_660_000_000  # with a cache of 256 MB


def machine(total: float, fixed: float, share: float, free: float, external: float) -> Pages:
    """Return a machine of *total* GB: *fixed* = wired + compressor, *share* = N; the rest in two halves."""
    uncompressed = total - fixed
    compressor = uncompressed * (1 - share) / share
    used = (uncompressed - free) / 2
    return Pages(*(int(figure * GB) for figure in (free, used, used, external, compressor)))


@pytest.mark.parametrize(
    ("total", "fixed", "share"),
    [(8, 3.5, 0.72), (8, 1.5, 0.97), (16, 6.7, 0.71), (16, 9.1, 0.55)],
    ids=["8 GB, browser", "8 GB, nearly idle", "16 GB, a real dump", "16 GB, loaded"],
)
@pytest.mark.parametrize("need", [NEED, LEAN])
def test_machines_at_ordinary_load_may_load_the_model(total: float, fixed: float, share: float, need: int) -> None:
    pages = machine(total, fixed, share, free=0.1, external=1.0)

    assert project(pages).total >= need
    assert share_after(pages, need) >= LEAST_UNCOMPRESSED


def test_a_machine_of_8_gb_that_is_full_of_compressed_pages_may_not() -> None:
    pages = machine(8, 5.2, 0.52, free=0.1, external=0.5)

    assert project(pages).total < LEAN
    assert share_after(pages, LEAN) < LEAST_UNCOMPRESSED


def test_the_numbers_of_a_real_machine_of_16_gb() -> None:
    # Pages of 16 KB of a sysctl dump (OCSInventory-NG/UnixAgent#436); the compressor follows from its N of 71 %.
    free, internal, external = 3025, 450_876, 138_574
    compressor = (free + internal + external) * 29 // 71
    pages = Pages(*(n * 16384 for n in (free, internal, external, external, compressor)))

    room = project(pages)

    assert room.free == 3025 * 16384
    assert room.dropped == int(DROPPABLE * external * 16384)
    assert room.total == pages.uncompressed
    assert share_after(pages, NEED) == pytest.approx(0.63, abs=0.01)
    assert str(room) == "50 MB free, 1.7 GB of file cache, 8.0 GB by compressing others down to 40% uncompressed"


@given(
    st.integers(0, 2 * GB), st.integers(0, 16 * GB), st.integers(0, 16 * GB), st.floats(0, 1), st.integers(0, 16 * GB)
)  # fmt: skip
def test_the_room_is_the_need_at_which_the_share_reaches_the_bound(
    free: int, active: int, inactive: int, part: float, compressor: int
) -> None:
    pages = Pages(free, active, inactive, int(part * (active + inactive)), compressor)
    room = project(pages)

    assert free <= room.total <= pages.uncompressed
    if room.compressed:
        assert share_after(pages, room.total) >= LEAST_UNCOMPRESSED - 1e-6
    if room.compressed and room.total < pages.uncompressed - 1:
        assert share_after(pages, room.total + GB // 100) < LEAST_UNCOMPRESSED
