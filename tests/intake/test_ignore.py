"""Hidden, partial and cluttering names are never taken; patterns add to that and nothing else does."""

import pytest

from dropscribe.intake.ignore import CLOSED_FOLDERS, CLUTTER, NOT_THE_USERS, PARTIAL, ignored, wanted_folder

ORDINARY = [
    b"scan.png", b"SCAN", b"sub/scan.png", b"a.part.png", b"tmp", b"part", b"tempo.png", b"x.tmp.jpg", b"icon.png",
    b"thumbs.db.png", b"~scan.png", b"$~a.png", b"a b\n\xff.png", b"...".replace(b".", b"x"), "日.png".encode(),
    b"download/scan.png", b"app/scan.png", b"a.apple/scan.png",
]  # fmt: skip


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_names_are_taken(path: bytes) -> None:
    assert not ignored(path, [])


@pytest.mark.parametrize(
    "path",
    [b".hidden.png", b"._scan.png", b".DS_Store", b"sub/.scan.png", b".git/scan.png", b"a/.b/c/scan.png",
     b"~$letter.pdf",
     b"scan.png.sb-1a2b3c-XyZ", b".dropscribe-deleted-7", b"sub/Thumbs.db", b"Icon\r", b"Desktop.INI"],
)  # fmt: skip
def test_hidden_temporary_and_cluttering_names_are_not(path: bytes) -> None:
    assert ignored(path, [])


@pytest.mark.parametrize("ending", PARTIAL)
def test_downloads_under_way_are_not_in_any_case(ending: bytes) -> None:
    assert ignored(b"scan.png" + ending, [])
    assert ignored(b"sub/scan.png" + ending.upper(), [])


def test_clutter_is_listed_in_lower_case_as_it_is_compared() -> None:
    assert {name.lower() for name in CLUTTER} == CLUTTER
    assert all(ignored(name.upper(), []) for name in CLUTTER)


@pytest.mark.parametrize("ending", CLOSED_FOLDERS)
def test_bundles_and_downloads_in_disguise_are_closed(ending: bytes) -> None:
    assert not wanted_folder(b"My Photos" + ending)
    assert ignored(b"a/My Photos" + ending.upper() + b"/b/scan.png", [])


@pytest.mark.parametrize("name", [*sorted(NOT_THE_USERS), b".Trashes", b".Trash-1000", b".@__thumb"])
def test_trash_and_what_a_system_keeps_for_itself_is_closed_in_any_case(name: bytes) -> None:
    assert not wanted_folder(name) and not wanted_folder(name.upper())
    assert ignored(b"Photos/" + name.title() + b"/2026/scan.png", [])
    assert not ignored(b"Photos/" + name.strip(b"@#$.") + b" of mine/scan.png", [])
    assert name == name.lower() or name not in NOT_THE_USERS


def test_other_folders_are_open_unless_hidden() -> None:
    assert all(wanted_folder(name) for name in (b"sub", b"a.b", b"\xff\n", b"app", b"x.png"))
    assert not wanted_folder(b".hidden")


@pytest.mark.parametrize(
    "path, pattern, hit",
    [
        (b"a.bak", "*.bak", True), (b"sub/a.bak", "*.bak", True), (b"a.BAK", "*.bak", False),
        (b"raw/a.png", "raw/*", True), (b"raw/deep/a.png", "raw/*", True), (b"draw/a.png", "raw/*", False),
        (b"a.png", "?.png", True), (b"\xff.png", "?.png", True), (b"[1].png", "[[]1].png", True),
        (b"a.png", "", False), (b"line\nbreak.png", "line*", True), ("ä.png".encode(), "ä*", True),
    ],
)  # fmt: skip
def test_patterns_match_the_name_or_the_path_below_the_inbox(path: bytes, pattern: str, hit: bool) -> None:
    assert ignored(path, ["never-this", pattern]) is hit
