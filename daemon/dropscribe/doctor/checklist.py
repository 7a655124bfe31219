"""The order of the checks; a check that raises becomes a line of the list itself."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dropscribe.config import Settings
from dropscribe.core.errors import Fault
from dropscribe.doctor import (
    agents,
    clock,
    cloud,
    events,
    folders,
    hooks,
    intake,
    logs,
    macos,
    models,
    packages,
    processes,
    sandbox,
    servers,
    sharing,
    space,
    work,
)
from dropscribe.doctor.values import Check, warning
from dropscribe.engines import registry


def examine(settings: Settings, source: str) -> Iterator[Check]:
    """Yield every check; *source* says where the settings come from."""
    engine, why = registry.choose(settings.engine.name)
    daemon = processes.running(settings.folders.state)
    yield from packages.settings_ok(source, engine, why)
    yield from guarded("packages", packages.all_of, engine)
    yield from guarded("macos", macos.all_of, settings)
    yield from guarded("model", models.present, engine, settings)
    if engine == "remote":
        yield from guarded("server", servers.all_of, settings)
    yield from guarded("memory", models.memory_for, engine, settings)
    yield from guarded("disk", space.all_of, settings, models.wanted_bytes(engine, settings))
    yield from guarded("folders", folders.all_of, settings, daemon.pid is not None)
    yield from guarded("sharing", sharing.all_of, settings)
    yield from guarded("events", events.seen, settings.folders.inbox, settings.intake.watch)
    yield from guarded("intake", intake.all_of, settings.folders.inbox, settings.intake)
    yield from guarded("cloud", cloud.evicted, settings.folders.inbox)
    yield from guarded("daemon", processes.daemon_state, daemon)
    yield from guarded("journal", work.journal, settings.folders.state)
    yield from guarded("queue", work.all_of, daemon.status)
    yield from guarded("hooks", hooks.all_of, settings, daemon.status)
    yield from guarded("agent", agents.all_of, settings, daemon)
    yield from guarded("sandbox", sandbox.held, settings.intake.sandbox)
    yield from guarded("leftovers", processes.leftover_workers, daemon)
    yield from guarded("clock", clock.all_of, settings.folders.inbox)
    former = daemon.status.daemon.restart_needed if daemon.status is not None else None
    yield from guarded("logs", logs.sizes, settings, daemon.pid is not None, former or ())


def examine_without_settings(faults: Iterable[Fault]) -> Iterator[Check]:
    """Yield the *faults* of the settings, and the checks that need no settings."""
    yield from packages.settings_faulty(faults)
    yield from guarded("packages", packages.all_of, registry.choose("auto")[0])
    yield from guarded("agent", agents.installed)


def guarded(name: str, check: Callable[..., Iterable[Check]], *values: Any) -> Iterator[Check]:
    """Yield what *check* finds; an exception becomes a warning and the list continues."""
    try:
        yield from check(*values)
    except Exception as error:
        where = os.path.basename(sys.prefix)
        remedy = f"report this, with the output of dropscribe doctor --json (environment {where})"
        yield warning(name, f"the check itself failed: {type(error).__name__}: {error}", remedy)
