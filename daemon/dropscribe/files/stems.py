"""Names for results: free on every disk, and such as the outbox can hold. Makes and moves no file.

A name that the outbox refuses is tried in ever plainer spellings (`naming.spellings`) when the file is read again; the
last refusal is a matter of this one file. Which names are reserved by jobs is the journal's knowledge and comes in as
an argument.
"""

import os
from collections.abc import Collection, Iterable, Sequence

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import printable
from dropscribe.files import durable, places
from dropscribe.files.naming import Names, fold, honest, numbered, shortened, spellings

REMEMBERED = 1000  # files of which it is remembered that the outbox cannot hold their name


class Stems:
    """The names in the outbox at *root*."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self.names = Names()
        self._refused: set[str] = set()  # stems that a stranger's file kept us from: not reserved again
        self._unfit: dict[bytes, tuple[int, str]] = {}  # by path: how many spellings do not fit, and why

    def reserve(
        self, path: bytes, suffixes: Sequence[str], reserved: Iterable[bytes], replaceable: Collection[bytes]
    ) -> bytes:
        """Return the output stem for the file at *path*: free for all *suffixes*, in the folder and among *reserved*.

        *replaceable* are existing files that may be written over. Raises `ReasonedError` (`unwritable-name`) when no
        spelling fits, `OSError` when the outbox cannot be looked at.
        """
        others = {fold(stem) for stem in reserved} | self._refused
        wishes = spellings(honest(os.path.splitext(path)[0]))
        while (number := self._unfit.get(path, (0, ""))[0]) < len(wishes):
            try:
                return self._free(wishes[number], suffixes, others, replaceable)
            except OSError as error:
                if error.errno not in places.NAME_ERRORS:
                    raise
                self.unfit(path, durable.described(error))
        why = self._unfit.pop(path)[1]
        detail = f"The outbox {printable(self._root)} cannot hold a file of this name ({why})."
        raise ReasonedError(Reason.UNWRITABLE_NAME, detail)

    def _free(
        self, wish: bytes, suffixes: Sequence[str], others: Collection[str], replaceable: Collection[bytes]
    ) -> bytes:
        folder = places.usable(self._root, os.path.dirname(wish))
        try:
            with places.opened(self._root, folder) as handle:
                longest, taken = places.longest_name(handle), self.names.taken(folder, handle)
        except FileNotFoundError:
            with places.opened(self._root) as handle:
                longest, taken = places.longest_name(handle), set[int]()
        for stem in numbered(os.path.join(folder, shortened(os.path.basename(wish), longest=longest))):
            files = [stem + suffix.encode() for suffix in suffixes]
            present = [file for file in files if hash(fold(os.path.basename(file))) in taken]
            if fold(stem) not in others and all(file in replaceable for file in present):
                return stem
        raise AssertionError("numbers do not end")

    def refuse(self, stem: bytes) -> None:
        """Never reserve *stem* again: a stranger has a name that belongs to it."""
        self._refused.add(fold(stem))

    def unfit(self, path: bytes, why: str) -> None:
        """Try a plainer spelling the next time: the outbox cannot hold the one for *path*."""
        if len(self._unfit) >= REMEMBERED:
            self._unfit.clear()
        self._unfit[path] = self._unfit.get(path, (0, ""))[0] + 1, why

    def fits(self, path: bytes) -> None:
        """Forget what did not fit for *path*: something did."""
        self._unfit.pop(path, None)
