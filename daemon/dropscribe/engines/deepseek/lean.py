"""The form in which the big model reads on a Mac of 8 GB: what of the settings gives way. Pure.

Which machines that are is `memory.policy.is_lean`'s. The weights are what they are; the cache is half of the default's,
and pages are read one at a time.
"""

from msgspec import structs

from dropscribe.config import Settings
from dropscribe.memory import policy


def slimmed(settings: Settings, *, lean: bool) -> Settings:
    """Return *settings* as the lean form takes them, where *lean*: a small cache, and one page where none is chosen."""
    if not lean:
        return settings
    model = structs.replace(settings.model, cache_limit=min(settings.model.cache_limit, policy.LEAN_CACHE))
    chosen = settings.engine.pages_at_once
    engine = structs.replace(settings.engine, pages_at_once=1 if chosen == "auto" else chosen)
    return structs.replace(settings, model=model, engine=engine)
