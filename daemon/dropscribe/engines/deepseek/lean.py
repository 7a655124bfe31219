"""The form in which the big model reads on a Mac of 8 GB: what of the settings gives way. Pure.

Which machines that are is `memory.policy.is_lean`'s. The weights are what they are; the cache is half of the default's,
and pages are read one at a time (see `engine.rows_at_once`).
"""

from msgspec import structs

from dropscribe.config import Settings
from dropscribe.memory import policy


def slimmed(settings: Settings, *, lean: bool) -> Settings:
    """Return *settings* with the lean form's bound on the allocator's cache, where *lean*; a smaller one stays."""
    if not lean or settings.model.cache_limit <= policy.LEAN_CACHE:
        return settings
    return structs.replace(settings, model=structs.replace(settings.model, cache_limit=policy.LEAN_CACHE))
