"""What was read: finished jobs in the journal, newest first, filtered, searched, a page at a time. It only reads."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from dropscribe.config import Settings
from dropscribe.config.recipes import Recipe
from dropscribe.core.job import Job
from dropscribe.journal import rows, schema
from dropscribe.journal.journal import Journal
from dropscribe.service import mounts
from dropscribe.web import job_files, texts
from dropscribe.web.job_files import Known

JOURNAL = "journal.db"
PAGE = 50  # entries shown at once
SEARCH_SECONDS = 1.5  # a search that takes longer goes on from there when asked
SEARCHED = 2 * 10**6  # bytes of a text that are searched
EXCERPT = 160  # characters
FILTERS = {"all": "1", "check": "review=1 AND state='done'", "failed": "state='failed'"}
TEXTS = (".txt", ".md", ".json")  # outputs whose text is searched, the plainest first
_SELECT = (
    f"SELECT {rows.COLUMNS}, (SELECT outbox FROM outputs WHERE outputs.job = jobs.id LIMIT 1),"
    " (SELECT name FROM recipes WHERE recipes.id = jobs.recipe) FROM jobs"
)
_ENDED = "state IN ('done','failed') AND finished IS NOT NULL"


@dataclass(frozen=True)
class Entry:
    """A job in the list, with the beginning of its text or what was found around the words searched for."""

    job: Known
    excerpt: str


@dataclass(frozen=True)
class Listing:
    """A page of the list; `older` is where the next one begins, None at the end."""

    entries: list[Entry]
    older: str | None = None
    fault: str | None = None  # why the journal cannot be read
    unfinished: bool = False  # a search has not seen everything


class Library:
    """Looks into the journal of the state folder that the *settings* name, every time."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    def job(self, number: int) -> Known | None:
        """Return the job of that number."""
        if number >= 2**63:
            return None
        return next(self._jobs("id=?", (number,), 1), None)

    def newest(self, since: int, paths: Sequence[bytes]) -> dict[bytes, Known]:
        """Return the newest job after number *since* for each of *paths* that has one."""
        marks = ",".join("?" * len(paths))
        found = self._jobs(f"id>? AND path IN ({marks}) ORDER BY id", (since, *paths), -1)
        return {job.path: job for job in found}

    def last_number(self) -> int:
        """Return the number of the newest job; 0 where the journal cannot be read, which the list will tell."""
        try:
            return next((job.id for job in self._jobs("1 ORDER BY id DESC", (), 1)), 0)
        except sqlite3.Error:
            return 0

    def inbox_is_away(self, recipe: Recipe) -> bool:
        """Say whether the volume of the inbox is not mounted: what is put there then is lost to sight."""
        try:
            with self._open() as db:
                journal = Journal.read_only(db, "")
                return mounts.unmounted(recipe.settings, journal.metadata, "inbox", recipe.name)()
        except (sqlite3.Error, OSError):
            return False  # nothing is known of one

    def listing(self, which: str = "all", words: str = "", before: str = "", recipe: str = "") -> Listing:
        """Return the entries of the filter *which* that hold *words*, from the place *before* on."""
        try:
            return self._listing(which, words.casefold().strip(), _place(before), recipe)
        except sqlite3.Error as error:
            return Listing([], fault=f"The journal cannot be read: {error}.")

    def next_doubtful(self, before: tuple[float, int]) -> Known | None:
        """Return the next job after the place *before* in the list that asks for a look."""
        return next(self._ended("check", before), None)

    def recipes(self) -> list[str]:
        """Return the names of all recipes in the journal."""
        try:
            with self._open() as db:
                found = db.execute("SELECT DISTINCT name FROM recipes WHERE name != '' ORDER BY name")
                return [str(row[0]) for row in found]
        except (sqlite3.Error, OSError):
            return []

    def _listing(self, which: str, words: str, before: tuple[float, int] | None, recipe: str) -> Listing:
        settings, entries = self._settings(), list[Entry]()
        until = time.monotonic() + SEARCH_SECONDS
        for job in self._ended(which, before):
            if recipe and job.recipe_name != recipe:
                continue
            if len(entries) == PAGE:
                return Listing(entries, place_of(entries[-1].job))
            found = _found(settings, job, words)
            if found is not None:
                entries.append(Entry(job, found))
            if words and time.monotonic() > until:
                return Listing(entries, place_of(job), unfinished=True)
        return Listing(entries)

    def _ended(self, which: str, before: tuple[float, int] | None) -> Iterator[Known]:
        place = before or (float("inf"), 2**62)
        where = f"{_ENDED} AND {FILTERS.get(which, '1')} AND (finished, id) < (?, ?) ORDER BY finished DESC, id DESC"
        return self._jobs(where, place, -1)

    def _jobs(self, where: str, values: Sequence[object], limit: int) -> Iterator[Known]:
        try:
            with self._open() as db:
                for *row, outbox, recipe in db.execute(f"{_SELECT} WHERE {where} LIMIT {limit}", values):
                    yield Known(**vars(rows.job(tuple(row))), outbox=outbox or b"", recipe_name=recipe or None)
        except FileNotFoundError:
            return  # nothing was ever read

    def _open(self) -> "closing[sqlite3.Connection]":
        path = os.path.join(self._settings().folders.state, JOURNAL)
        os.stat(path)
        return closing(schema.open_to_look(path))


def place_of(job: Job) -> str:
    """Return where *job* stands in the list, as a word for an address."""
    return f"{job.finished or 0.0!r}-{job.id}"


def _place(word: str) -> tuple[float, int] | None:
    finished, _, number = word.rpartition("-")
    try:
        return (float(finished), min(int(number), 2**62)) if word else None
    except ValueError:
        return None


def _found(settings: Settings, job: Known, words: str) -> str | None:
    """Return what to show of a job: the beginning of its text, or the text around *words*; None without a match."""
    text = job.detail or ""
    if job.state == "done":
        text = _text(settings, job, SEARCHED if words else 4 * EXCERPT)
    if not words:
        return " ".join(text.split())[:EXCERPT]
    at = text.casefold().find(words)
    if at < 0:
        return text[:EXCERPT] if words in job.name.casefold() else None
    start = max(0, at - EXCERPT // 3)
    return ("… " if start else "") + " ".join(text[start : start + EXCERPT].split())


def _text(settings: Settings, job: Known, most: int) -> str:
    """Return the beginning of a text of *job*, empty where there is none."""
    paths = job_files.outputs(settings, job)
    for suffix in TEXTS:
        for place in (place for place in paths if place.path.endswith(suffix.encode())):
            try:
                return texts.beginning(place, most)
            except job_files.Missing:
                continue
    return ""
