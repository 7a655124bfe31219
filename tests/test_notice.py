"""NOTICE names every package that a default install brings, with the licence that its metadata say, and no other."""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
NOTICE = ROOT / "NOTICE"
# The Python for which the list is made: later ones need less.
OLDEST = {"extra": "", "python_version": "3.11", "python_full_version": "3.11.0"}
# Words of metadata that are no SPDX expressions, and what they stand for.
SPOKEN = {
    "MIT License": "MIT", "Apache 2.0": "Apache-2.0", "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0", "BSD License": "BSD-3-Clause",
}  # fmt: skip


def brought(requirements: Iterable[str], found: dict[str, str] | None = None) -> dict[str, str]:
    """Return every package that *requirements* bring here, directly or not, with its licence."""
    found = {} if found is None else found
    for requirement in map(Requirement, requirements):
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate(OLDEST)):
            continue
        try:
            found[name] = licence(name)
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed here")
        brought(requires(name) or (), found)
    return found


def licence(name: str) -> str:
    """Return the licence that a package says of itself."""
    said = distribution(name).metadata
    classes = [each.split("::")[-1].strip() for each in said.get_all("Classifier") or () if "License ::" in each]
    text = said["License-Expression"] or (said["License"] or "").partition("\n")[0] or " ".join(classes)
    return SPOKEN.get(text, text)


def named() -> dict[str, str]:
    """Return the first list of NOTICE."""
    block = NOTICE.read_text("utf-8").partition("Packages on every system\n")[2].partition("\n\n")[0]
    return dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in block.splitlines())


def test_every_package_of_a_default_install_is_named_with_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if sys.platform == "darwin":
        pytest.skip("the list is that of Linux; what a Mac has beside it is told below it")

    assert brought(project["dependencies"]) == named(), "a line of NOTICE is missing, wrong or not needed any more"


def test_every_library_inside_their_wheels_is_named() -> None:
    text = NOTICE.read_text("utf-8").lower()
    missing = []
    for name in named():
        for file in distribution(name).files or ():
            if file.parent.name.endswith(".libs"):
                library = re.split(r"[-.]", file.name)[0].removeprefix("lib").removesuffix("64_")
                stem = {"scipy_openblas": "openblas", "openblasp": "openblas"}.get(library, library).lower()
                if stem not in text:
                    missing.append((name, library))

    assert not missing


def test_no_library_under_the_gpl_alone_is_among_them() -> None:
    for name in named():
        files = [file.name for file in distribution(name).files or ()]
        assert not [file for file in files if re.search(r"x26[45]|libpoppler|ghostscript|libgs\b", file)]
