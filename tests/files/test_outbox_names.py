"""Results get names that nobody else has, whatever the disk takes for the same name."""

import os
import unicodedata
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.files.ledger import Ledger
from dropscribe.files.naming import SHORTER_NAME, fold, honest, numbered, plain, shortened, spellings
from dropscribe.files.outbox import Outbox

SUFFIXES = (".txt", ".json", ".alto.xml")
NFC, NFD = (unicodedata.normalize(form, "Übersicht é") for form in ("NFC", "NFD"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def outbox(root: Path) -> Outbox:
    return Outbox(str(root), Ledger(str(root.parent / "state")))


def test_a_free_name_is_the_name_of_the_file(outbox: Outbox) -> None:
    assert outbox.reserve(b"sub/scan.png", [".txt"], [], ()) == b"sub/scan"
    assert outbox.reserve(b"archive.tar.png", [".txt"], [], ()) == b"archive.tar"
    assert outbox.reserve(b"n\n\xff", [".txt"], [], ()) == b"n\xff"


def test_one_taken_ending_moves_all_formats_to_the_next_number(outbox: Outbox, root: Path) -> None:
    (root / "scan.json").touch()
    (root / "scan (2).txt").touch()

    assert outbox.reserve(b"scan.png", SUFFIXES, [], ()) == b"scan (3)"
    assert outbox.reserve(b"scan.png", [".pdf"], [], ()) == b"scan"


@pytest.mark.parametrize(
    "there, wanted",
    [("SCAN.TXT", "scan"), (NFD + ".txt", NFC), (NFC + ".txt", NFD), ("straße.txt", "STRASSE"), ("Σ.txt", "ς")],
)
def test_names_that_some_disks_take_for_the_same_are_the_same(
    outbox: Outbox, root: Path, there: str, wanted: str
) -> None:
    (root / there).touch()

    assert outbox.reserve((wanted + ".png").encode(), [".txt"], [], ()) == (wanted + " (2)").encode()


def test_reserved_stems_count_like_files_and_regardless_of_form(outbox: Outbox) -> None:
    assert outbox.reserve(b"scan.jpg", [".txt"], [b"SCAN", b"scan (2)"], ()) == b"scan (3)"
    assert outbox.reserve((NFC + ".jpg").encode(), [".txt"], [NFD.encode()], ()) == (NFC + " (2)").encode()
    assert outbox.reserve(b"a/scan.jpg", [".txt"], [b"b/scan", b"scan"], ()) == b"a/scan"


def test_only_files_that_may_be_replaced_are_written_over(outbox: Outbox, root: Path) -> None:
    (root / "scan.txt").touch()
    (root / "scan.json").touch()

    assert outbox.reserve(b"scan.png", [".txt", ".json"], [], {b"scan.txt"}) == b"scan (2)"
    assert outbox.reserve(b"scan.png", [".txt", ".json"], [], {b"scan.txt", b"scan.json"}) == b"scan"
    assert outbox.reserve(b"scan.png", [".txt"], [b"scan"], {b"scan.txt"}) == b"scan (2)"


@pytest.mark.parametrize("stem", [b"x" * 251, "日".encode() * 83, b"\x80" * 251, b"\xff\xc3" * 125])
def test_long_names_are_cut_at_a_whole_character_and_stay_apart(outbox: Outbox, root: Path, stem: bytes) -> None:
    one = outbox.reserve(stem + b".png", [".alto.xml"], [], ())
    other = outbox.reserve(stem[:-3] + b"abc.png", [".alto.xml"], [], ())

    assert len(one) <= 255 - 40
    assert one != other
    if stem.startswith("日".encode()):
        one.decode("utf-8")
    (root / os.fsdecode(one + b" (12345).alto.xml")).touch()


def test_short_names_are_never_cut() -> None:
    assert shortened(b"x" * 215) == b"x" * 215
    assert len(shortened(b"x" * 216)) == 215


def test_numbers_begin_at_two() -> None:
    names = numbered(b"a")

    assert [next(names) for _ in range(3)] == [b"a", b"a (2)", b"a (3)"]


NAMES = st.text(st.sampled_from("aAéÉßSsſıİΣσς日\u0301\u0345\ufb01 "), min_size=1, max_size=6)


@given(NAMES)
def test_folding_is_blind_to_case_and_composition(name: str) -> None:
    for form in ("NFC", "NFD"):
        same = unicodedata.normalize(form, name)
        assert fold(os.fsencode(same)) == fold(os.fsencode(name))
        assert fold(os.fsencode(same.casefold())) == fold(os.fsencode(name))


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=8))
def test_no_two_reservations_are_ever_the_same_on_any_disk(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    outbox = Outbox(str(tmp_path_factory.mktemp("out")), Ledger(str(tmp_path_factory.mktemp("state"))))
    stems: list[bytes] = []
    for name in names:
        stems.append(outbox.reserve(name.encode() + b".png", [".txt"], stems, ()))

    assert len({fold(stem) for stem in stems}) == len(names)


def test_a_name_that_somebody_takes_later_is_seen(outbox: Outbox, root: Path) -> None:
    (root / "sub").mkdir()
    assert outbox.reserve(b"sub/scan.png", [".txt"], [], ()) == b"sub/scan"
    stamp = os.stat(root / "sub").st_mtime_ns
    (root / "sub" / "scan.txt").touch()
    os.utime(root / "sub", ns=(stamp + 10**9, stamp + 10**9))  # clocks of file systems may tick slowly

    assert outbox.reserve(b"sub/scan.png", [".txt"], [], ()) == b"sub/scan (2)"


def test_a_file_where_a_folder_is_wanted_does_not_stop_the_queue(outbox: Outbox, root: Path) -> None:
    (root / "a.txt").write_text("the text of a.png")

    stem = outbox.reserve(b"a.txt/b.png", [".txt"], [], ())

    assert not os.path.lexists(os.path.join(os.fsencode(root), stem + b".txt"))


# -- names that a folder cannot hold

ANY_NAME = st.binary(min_size=1, max_size=255).filter(
    lambda name: not {0, 0x2F} & set(name) and name not in (b".", b"..")
)


@settings(max_examples=300, deadline=None)
@given(ANY_NAME)
def test_a_plain_name_is_one_that_every_file_system_can_hold(name: bytes) -> None:
    spelled = plain(name)

    text = spelled.decode("utf-8")
    assert 0 < len(spelled) <= SHORTER_NAME - 40 and text.rstrip(" .") == text
    assert not set('<>:"|?*\\/') & set(text) and all(ord(sign) >= 32 and ord(sign) != 127 for sign in text)
    assert text.split(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert plain(spelled) == spelled


@given(st.sampled_from(["a:b", "a?b", "a*b", "a.", "a ", "con", "CON", "nul.txt", "a\x7fb", "a\nb"]))
def test_a_name_that_is_spelled_otherwise_stays_apart_from_the_others(name: str) -> None:
    others = [other for other in ("a:b", "a?b", "a*b", "a.", "a ", "con", "nul.txt", "a_b", "a") if other != name]

    assert plain(name.encode()) != name.encode()
    assert fold(plain(name.encode())) not in {fold(plain(other.encode())) for other in others if other != name.lower()}


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("scan", "Übersicht é", "日本語", "a.b (2)", ".hidden", "console"):
        assert plain(name.encode()) == name.encode()
    assert spellings(b"sub/scan") == [b"sub/scan", b"scan", b"file-%08x" % zlib.crc32(b"sub/scan")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.scan", "plain name.scan"),
        ("caf\u00e9 \U0001f600 \u05e9", "caf\u00e9 \U0001f600 \u05e9"),
        ("bell\x07\x1b[2J\nnext\x9b", "bell[2Jnext"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("sub\u2066/\x01.hidden", "sub/_.hidden"),
        ("\x01\x02", "_"),
        (".dot/\u200f", ".dot/_"),
        (".\x01./a", "_../a"),
        (".\x01", "_."),
    ],
)
def test_names_of_ours_do_not_mislead(name: str, shown: str) -> None:
    assert honest(os.fsencode(name)) == os.fsencode(shown)
    assert honest(b"odd\xff\xfe") == b"odd\xff\xfe"


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_NAME, min_size=1, max_size=4))
def test_spellings_become_plainer_and_end_with_one_that_fits_anywhere(parts: list[bytes]) -> None:
    *others, last = spellings(b"/".join(parts))

    assert others[0] == b"/".join(parts) and len({*others, last}) == len(others) + 1
    assert last.startswith(b"file-") and len(last) == 13
    assert all(not path.startswith(b"/") and b".." not in path.split(b"/") for path in (*others, last))


def test_a_stem_is_cut_to_the_folders_own_limit() -> None:
    assert (
        shortened(b"x" * 200, longest=143).startswith(b"x" * 94 + b"~")
        and len(shortened(b"x" * 200, longest=143)) == 103
    )
