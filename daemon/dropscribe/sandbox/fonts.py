"""Where PDFium looks for the fonts of the system, which a locked process may go on reading. It reads no font."""

import os
import sys
from functools import cache

# The folders of PDFium's own font mappers (core/fxge/linux and apple).
LINUX = ("/usr/share/fonts", "/usr/share/X11/fonts/Type1", "/usr/share/X11/fonts/TTF", "/usr/local/share/fonts")
MACOS = ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts")


@cache
def folders() -> tuple[str, ...]:
    """Return the folders that fonts of this system lie in."""
    return beneath(tuple(os.path.expanduser(root) for root in (MACOS if sys.platform == "darwin" else LINUX)))


def beneath(roots: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of *roots* that there are, and the folders that links in them lead to."""
    found = {root for root in roots if os.path.isdir(root)}
    for root in sorted(found):
        for around, below, files in os.walk(root):
            links = (os.path.join(around, name) for name in (*below, *files))
            found |= {_folder(link) for link in links if os.path.islink(link)}
    return tuple(sorted(found - {"/", ""}))


def _folder(link: str) -> str:
    """Return the folder that a *link* leads to or into; an empty text for one that leads nowhere."""
    end = os.path.realpath(link)
    if os.path.isdir(end):
        return end
    return os.path.dirname(end) if os.path.isfile(end) else ""
