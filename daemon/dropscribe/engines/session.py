"""A loaded engine for as long as a `with` block lasts, whatever ends it.

Knows only the Protocol. The release itself, and its order, are the engine's.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dropscribe.engines.base import Engine, LoadProgress


@contextmanager
def engine_session(engine: Engine, report: Callable[[LoadProgress], None]) -> Iterator[Engine]:
    """Load *engine*, give it, release it at the end: after an error, an interrupt or a reader left half-way too."""
    try:
        engine.load(report)
        yield engine
    except BaseException as error:
        forget_frames(error)
        raise
    finally:
        engine.unload()


def forget_frames(error: BaseException | None) -> None:
    """Clear the frames an error holds on to: their variables may be pages, caches or weights."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
