"""How much a Mac can still take in, worked out from its pages: what is free says little there. Pure.

The kernel's own measure of pressure is N, the share of pageable memory that is not compressed. It warns below 50 %, is
critical below 34.3 %, and goes back to a warning above 40 % (xnu's vm_pageout.c and vm_compressor.c). It keeps about
half of the pageable memory "inactive" at all times, so that free + inactive would refuse every load on 8 GB.
"""

from dataclasses import dataclass

from dropscribe.memory.values import size

LEAST_UNCOMPRESSED = 0.40  # N after a load; above it the kernel does not call the machine critical
DROPPABLE = 0.75  # of the file-backed pages: most are clean and simply dropped [assumed]
FREED_BY_ONE = 2  # bytes won by each that the compressor grows: three pages are kept in one [assumed]


@dataclass(frozen=True)
class Pages:
    """Bytes of memory by what they are used for, as `vm_statistics64` counts them."""

    free: int  # the speculative are in it already
    active: int
    inactive: int
    external: int  # file-backed; part of active and inactive
    compressor: int

    @property
    def uncompressed(self) -> int:
        """All pageable memory that does not hold compressed pages."""
        return self.free + self.active + self.inactive


@dataclass(frozen=True)
class Room:
    """Bytes that a new program could have, by where they would come from."""

    free: int
    dropped: int
    compressed: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.free + self.dropped + self.compressed

    def __str__(self) -> str:
        parts = f"{size(self.free)} free, {size(self.dropped)} of file cache"
        return f"{parts}, {size(self.compressed)} by compressing others down to {LEAST_UNCOMPRESSED:.0%} uncompressed"


def share_after(pages: Pages, need: int) -> float:
    """Return N, 0 to 1, after *need* bytes have been loaded.

    Of what neither free nor droppable pages give, X, the compressor grows by X / 2.
    """
    pageable = pages.uncompressed + pages.compressor
    squeezed = max(0.0, need - pages.free - DROPPABLE * pages.external)
    return 1 - (pages.compressor + squeezed / FREED_BY_ONE) / max(pageable, 1)


def project(pages: Pages) -> Room:
    """Return how much may be loaded until `share_after` falls to `LEAST_UNCOMPRESSED`, and no more than there is.

    That others may be slow for a moment when they want their pages back is not counted: idle ones go first.
    """
    dropped = min(DROPPABLE * pages.external, pages.uncompressed - pages.free)
    growth = (1 - LEAST_UNCOMPRESSED) * (pages.uncompressed + pages.compressor) - pages.compressor
    compressed = min(FREED_BY_ONE * growth, pages.uncompressed - pages.free - dropped)
    return Room(pages.free, int(dropped), max(0, int(compressed)))
