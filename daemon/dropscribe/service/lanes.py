"""Lanes: each recipe at work with its inbox and outbox, and the base, which is one too. They share journal and model.

One lane that is unavailable, full or slow holds up no other: each waits by itself. A recipe that was changed or
removed lives on, unwatched, until the files that it took are over.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dropscribe.config import Settings, plain, recipes, restored
from dropscribe.config.folders import layout_faults
from dropscribe.config.recipes import Recipe
from dropscribe.core.job import BASE, Job, Origin, Unmounted
from dropscribe.files.ledger import Ledger
from dropscribe.files.outbox import Outbox
from dropscribe.intake.events import EventBuffer
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service import mounts
from dropscribe.service.backoff import Backoff
from dropscribe.service.flow import Flows
from dropscribe.service.inbox import Inbox
from dropscribe.service.inbox_checks import InboxChecks


@dataclass
class Lane:
    """Where files of one recipe come from and go to, by which settings, and what they wait for."""

    recipe: Recipe
    origin: Origin
    outbox: Outbox
    unmounted: Mapping[str, Unmounted]
    inbox: Inbox
    backoff: Backoff = field(default_factory=Backoff)
    recovered: bool = False  # nothing is claimed before interrupted publications are finished
    retired: bool = False  # it takes no more files

    @property
    def settings(self) -> Settings:
        """The settings of its files."""
        return self.recipe.settings

    @property
    def travelling(self) -> dict[str, Any] | None:
        """The settings that go with its files to the worker; None for the base, whose settings the worker has."""
        return _own(self.recipe) if self.origin.recipe else None

    def may_look(self, *, damaged: bool) -> bool:
        """Say whether new files may be looked for: outputs of an interrupted publication must be known before.

        That is where they lie beside their originals, and, with a *damaged* journal, everywhere.
        """
        return not self.retired and (self.recovered or not (damaged or self.recipe.is_beside))

    def may_begin(self, now: float) -> bool:
        """Say whether a file of this lane may be claimed."""
        return self.recovered and self.backoff.open(now)


class Lanes:
    """All lanes by the number of their recipe in the journal."""

    def __init__(
        self, settings: Settings, journal: Journal, flows: Flows, ledger: Ledger, wake: Callable[[], None], now: float
    ) -> None:
        self._settings, self._journal, self._flows = settings, journal, flows
        self._ledger, self._wake, self._checks = ledger, wake, InboxChecks(flows)
        self._lanes: dict[int, Lane] = {}
        self._add(recipes.base(settings), BASE, now)
        self._take_over(self._numbered(settings), now)
        for number, name, values in journal.recipes.needed():
            if number not in self._lanes:
                self._add(_remembered(name, values), self._origin(number, _remembered(name, values)), now, retired=True)

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    @property
    def base(self) -> Lane:
        """The lane without a recipe."""
        return self._lanes[BASE.recipe]

    @property
    def watched(self) -> list[Lane]:
        """The lanes that take files."""
        return [lane for lane in self if not lane.retired]

    def of(self, job: Job) -> Lane:
        """Return the lane of *job*."""
        return self.of_number(job.recipe)

    def of_number(self, recipe: int) -> Lane:
        """Return the lane of the recipe with that number; the base where it is not known any more."""
        return self._lanes.get(recipe, self.base)

    def taking(self, inbox: bytes) -> Lane | None:
        """Return the lane that takes files from *inbox* (see `Origin`) now."""
        return next((lane for lane in self.watched if lane.origin.inbox == inbox), None)

    def sharing(self, lane: Lane) -> list[int]:
        """Return the recipes whose outputs lie in the same outbox as those of *lane*."""
        return [each.origin.recipe for each in self if each.outbox.root == lane.outbox.root]

    def tick(self, now: float) -> None:
        """Look for new files, and whether the inboxes are there."""
        inboxes = [lane.inbox for lane in self.looking]
        for inbox in inboxes:
            inbox.tick(now)
        self._checks.tick(inboxes, now)

    def deadline(self, now: float) -> float | None:
        """Return when a lane wants to be looked at again."""
        looks = [lane.inbox.deadline(now) for lane in self.looking]
        pauses = [lane.backoff.deadline(now) for lane in self]
        return min((at for at in (*looks, *pauses) if at is not None), default=None)

    @property
    def looking(self) -> list[Lane]:
        """The lanes that may look for new files."""
        return [lane for lane in self if lane.may_look(damaged=bool(self._journal.damaged))]

    def closed(self, now: float) -> Collection[int]:
        """Return the recipes of which no file may be claimed now."""
        return [lane.origin.recipe for lane in self if not lane.may_begin(now)]

    def offer(self, job: Job) -> None:
        """Look at the file of *job* again, if anybody takes files from there still."""
        self.look_at(job.inbox, job.path)

    def look_at(self, inbox: bytes, path: bytes) -> None:
        """Look at *path* below an *inbox* (see `Origin`), if anybody takes files from there."""
        if (lane := self.taking(inbox)) is not None:
            lane.inbox.offer(path)

    # -- the settings change

    def apply(self, settings: Settings, now: float) -> list[Lane]:
        """Take over changed settings; return the lanes that are new."""
        self._settings = settings
        known = set(self._lanes)
        self.base.recipe = recipes.base(settings)
        self.base.inbox.apply(settings)
        wanted = self._numbered(settings)
        for number, lane in self._lanes.items():
            if number != BASE.recipe and number not in wanted and not lane.retired:
                self._retire(lane, settings)
        self._take_over(wanted, now)
        return [lane for number, lane in self._lanes.items() if number not in known]

    def _retire(self, lane: Lane, settings: Settings) -> None:
        """Take no more files by a recipe that is not in the *settings* like this any more."""
        what = "is changed" if lane.recipe.name in settings.recipes else "is removed and takes no more files"
        LOG.info("the recipe %s %s: files taken before are finished by the settings of then", lane.recipe.name, what)
        lane.retired = True
        lane.inbox.retire()

    def _numbered(self, settings: Settings) -> dict[int, Recipe]:
        """Return the recipes of *settings* by the numbers that the journal knows them by."""
        found = recipes.named(settings).values()
        return {self._journal.recipes.number(recipe.name, _written(recipe)): recipe for recipe in found}

    def _take_over(self, wanted: Mapping[int, Recipe], now: float) -> None:
        """Make a lane of each recipe that has none with these very settings."""
        for number, recipe in wanted.items():
            lane = self._lanes.get(number)
            if lane is None:
                self._add(recipe, self._origin(number, recipe), now)
            elif lane.retired:  # it is back, with what its files wait for
                lane.inbox.close()
                lane.inbox, lane.retired = self._inbox(recipe, lane.origin, lane.unmounted, now), False

    def _add(self, recipe: Recipe, origin: Origin, now: float, *, retired: bool = False) -> None:
        unmounted = mounts.prepare(recipe.settings, self._journal.metadata, recipe.name)
        inbox = self._inbox(recipe, origin, unmounted, now)
        if retired:
            inbox.retire()
        outbox = Outbox(recipe.settings.folders.outbox, self._ledger, unmounted["outbox"])
        self._lanes[origin.recipe] = Lane(recipe, origin, outbox, unmounted, inbox, retired=retired)

    def _inbox(self, recipe: Recipe, origin: Origin, unmounted: Mapping[str, Unmounted], now: float) -> Inbox:
        return Inbox(
            recipe.settings, self._journal, self._flows, EventBuffer(self._wake), unmounted["inbox"], now,
            origin=origin, layout=lambda: layout_faults(self._settings, "config.yaml"),
        )  # fmt: skip

    def _origin(self, number: int, recipe: Recipe) -> Origin:
        theirs, ours = recipe.settings.folders.outbox, self._settings.folders.outbox
        outbox = b"" if theirs == ours else theirs.encode("utf-8", "surrogateescape")
        return Origin(number, recipe.inbox, outbox, recipe.priority)

    def close(self) -> None:
        """Stop watching; may be called twice."""
        for lane in self:
            lane.inbox.close()


def _written(recipe: Recipe) -> str:
    """Return a recipe as the journal keeps it."""
    return json.dumps({"priority": recipe.priority, "settings": _own(recipe)}, sort_keys=True)


def _own(recipe: Recipe) -> dict[str, Any]:
    """Return the sections that concern files, in plain values: others may change without a change of the recipe."""
    values = plain(recipe.settings)
    return {section: values[section] for section in ("folders", "intake", "engine", "output", "hooks")}


def _remembered(name: str, values: str) -> Recipe:
    found = json.loads(values)
    return Recipe(name, found["priority"], restored(found["settings"]))
