"""The list of what was read: newest first, a page at a time, to the end, whatever else happens."""

from pathlib import Path

import pytest

from dropscribe.config import Settings, checked, recipes
from dropscribe.core.errors import Reason
from dropscribe.core.job import Found, Signature
from dropscribe.journal.journal import Journal
from dropscribe.web.library import PAGE, Library


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    names = ("inbox", "outbox", "archive", "failed", "state")
    for name in ("outbox", "state"):
        (tmp_path / name).mkdir()
    return checked({"folders": {name: str(tmp_path / name) for name in names}}, "test")


@pytest.fixture
def journal(settings: Settings) -> Journal:
    return Journal(settings.folders.state + "/journal.db")


def finish(journal: Journal, name: str, at: float, *, review: bool = False, fails: bool = False) -> None:
    """Take a job through its whole life."""
    journal.add([Found(name.encode(), Signature(1, 1, 1, 1), 0.0)])
    job = journal.next_queued()
    assert job is not None
    job = journal.claim(job, name.encode())
    if fails:
        journal.reject(job, Reason.DAMAGED, f"{name} is damaged")
    else:
        journal.written(job, [name.encode() + b".txt"], 1.0, review=review)
    journal.finish(job, at)


def test_every_entry_is_on_one_page_newest_first(settings: Settings, journal: Journal) -> None:
    for number in range(2 * PAGE + 3):
        finish(journal, f"f{number}", number // 2)  # two at a time end in the same second
    library, seen, before = Library(lambda: settings), list[str](), ""
    while True:
        found = library.listing(before=before)
        seen += [entry.job.name for entry in found.entries]
        if found.older is None:
            break
        before = found.older

    assert seen == [f"f{number}" for number in reversed(range(2 * PAGE + 3))]


def test_filters_and_the_next_one_to_check(settings: Settings, journal: Journal) -> None:
    for number in range(6):
        finish(journal, f"f{number}", number, review=number in (1, 3), fails=number == 2)
    library = Library(lambda: settings)

    assert [e.job.name for e in library.listing("check").entries] == ["f3", "f1"]
    failed = library.listing("failed").entries
    assert [(e.job.name, e.excerpt) for e in failed] == [("f2", "f2 is damaged")]
    first = library.next_doubtful((float("inf"), 0))
    assert first is not None and first.name == "f3"
    second = library.next_doubtful((first.finished or 0, first.id))
    assert second is not None and second.name == "f1"


def test_words_are_searched_in_texts_and_shown_with_what_stands_around(settings: Settings, journal: Journal) -> None:
    for number in range(3):
        finish(journal, f"f{number}", number)
        Path(settings.folders.outbox, f"f{number}.txt").write_text("x " * 200 + f"Straße {number}\nend")
    (found,) = Library(lambda: settings).listing(words="STRASSE 1").entries

    assert found.job.name == "f1"
    assert found.excerpt.startswith("… x") and "Straße 1 end" in found.excerpt


def test_without_a_journal_there_is_nothing(settings: Settings) -> None:
    library = Library(lambda: settings)

    assert library.listing().entries == [] and library.last_number() == 0 and library.job(1) is None


def test_a_damaged_journal_is_told(settings: Settings) -> None:
    Path(settings.folders.state, "journal.db").write_bytes(b"no database" * 100)

    assert "cannot be read" in (Library(lambda: settings).listing().fault or "")


def test_the_newest_job_of_a_name_counts(settings: Settings, journal: Journal) -> None:
    finish(journal, "a", 1)
    library = Library(lambda: settings)
    since = library.last_number()
    finish(journal, "a", 2)
    finish(journal, "b", 3)

    assert {path: job.finished for path, job in library.newest(since, [b"a", b"c"]).items()} == {b"a": 2.0}
    assert library.newest(since, []) == {}


def test_an_inbox_whose_volume_is_not_mounted_is_away(settings: Settings, journal: Journal) -> None:
    library, inbox = Library(lambda: settings), settings.folders.inbox
    Path(inbox).mkdir()
    journal.metadata.note("folder inbox", inbox)
    assert not library.inbox_is_away(recipes.base(settings))
    journal.metadata.note("volume inbox", inbox)
    assert library.inbox_is_away(recipes.base(settings))
    Path(inbox, "there").touch()
    assert not library.inbox_is_away(recipes.base(settings))
