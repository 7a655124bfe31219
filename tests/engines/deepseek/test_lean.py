"""The lean form: which machines read in it, and what of the settings gives way."""

import pytest

from dropscribe.engines.deepseek import lean
from dropscribe.memory import policy
from support.mlx_engine import settings_for

GIB = 1 << 30


@pytest.mark.parametrize(
    ("platform", "total", "expected"),
    [
        ("darwin", 8 * GIB, True), ("darwin", 12 * GIB - 1, True), ("darwin", 12 * GIB, False),
        ("darwin", 16 * GIB, False), ("linux", 8 * GIB, False),
    ],
)  # fmt: skip
def test_only_a_small_mac_reads_in_the_lean_form(platform: str, total: int, expected: bool) -> None:
    assert policy.is_lean(platform, total) is expected


@pytest.mark.parametrize(("given", "kept"), [("512MB", 256_000_000), ("256MB", 256_000_000), ("100MB", 100_000_000)])
def test_its_cache_is_half_of_the_defaults_unless_the_user_wants_less(given: str, kept: int) -> None:
    settings = settings_for(model={"cache_limit": given})

    assert lean.slimmed(settings, lean=True).model.cache_limit == kept
    assert lean.slimmed(settings, lean=False) == settings


@pytest.mark.parametrize(("given", "kept"), [("auto", 1), (2, 2)])
def test_pages_are_read_one_at_a_time_unless_the_user_says_how_many(given: object, kept: int) -> None:
    assert lean.slimmed(settings_for(engine={"pages_at_once": given}), lean=True).engine.pages_at_once == kept
