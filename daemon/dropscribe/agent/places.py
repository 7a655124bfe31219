"""Locations that macOS closes to agents although a terminal may read there (TCC), by path alone.

From third parties' reports, not run on a Mac: Desktop, Documents, Downloads, iCloud Drive and other cloud folders,
removable and network volumes answer EPERM. Whether a permission has opened one is only known by trying (`doctor`).
"""

import os

REMEDY = (
    "choose folders directly under your home, such as ~/Dropscribe, or allow its Python in System Settings > "
    "Privacy & Security > Full Disk Access (again after each upgrade of Python); dropscribe doctor names the program"
)
_OWN = {
    "Desktop": "your Desktop folder",
    "Documents": "your Documents folder",
    "Downloads": "your Downloads folder",
    "Library/Mobile Documents": "iCloud Drive",
    "Library/CloudStorage": "a cloud drive",
}


def closed_to_agents(path: str, home: str) -> str | None:
    """Return the closed location that the absolute *path* is in, or None; *home* is the user's. Case is ignored."""
    for folder, name in _OWN.items():
        if _inside(path, os.path.join(home, folder)):
            return name
    return "another disk or a network volume" if _inside(path, "/Volumes") else None


def _inside(path: str, folder: str) -> bool:
    path, folder = (os.path.normpath(part).casefold() for part in (path, folder))
    return path == folder or path.startswith(folder + os.sep)


def program_of(python: str) -> str:
    """Return the binary that a permission has to name: links resolved, and the app inside a framework's Python.

    A framework build's python starts `Python.app` instead [from python.org's layout, not run on a Mac].
    """
    real = os.path.realpath(python)
    version, _, rest = real.partition("/bin/")
    app = os.path.join(version, "Resources/Python.app/Contents/MacOS/Python")
    return app if rest and os.path.exists(app) else real
