"""Durations and sizes in the units of people: as they are written, as they are told, and as `check` prints them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dropscribe import config
from dropscribe.config.kinds import DURATION, LONGEST, SIZE, duration_text, size_text
from dropscribe.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5min", 300), ("5 minutes", 300), ("1 minute", 60), ("90 sec", 90), ("1.5 hours", 5400), ("2 hrs", 7200),
     ("1 day", 86400), ("3 Days", 259200), ("30 s", 30), ("500 ms", 0.5), ("1 second", 1)],
)  # fmt: skip
def test_durations_are_read_in_words(text: str, seconds: float) -> None:
    assert config.checked({"model": {"idle_timeout": text}}, "test").model.idle_timeout == seconds


@pytest.mark.parametrize("text", ["5 fortnights", "min", "5 m in", "5,5 s"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="must look like 500ms, 30s, 5m or 24h"):
        config.checked({"model": {"idle_timeout": text}}, "test")


@pytest.mark.parametrize(
    ("section", "key", "value", "told"),
    [
        ("engine", "page_timeout", 0, "must be greater than 0s and at most 3650d"),
        ("engine", "page_timeout", "9999999h", "must be greater than 0s and at most 3650d"),
        ("intake", "stable_for", "1ms", "must be at least 100ms and at most 3650d"),
        ("model", "idle_timeout", -1, "must be at least 0s and at most 3650d"),
        ("intake", "max_file", "2000TB", "must be at least 1B and at most 1000TB"),
        ("memory", "budget", 0, "must be at least 1B and at most 1000TB"),
        ("intake", "max_pages", 0, "must be at least 1 and at most 1,000,000,000,000"),
        ("memory", "max_percent", 101, "must be at least 1 and at most 100"),
    ],
)  # fmt: skip
def test_ranges_are_told_in_the_units_of_people(section: str, key: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.checked({section: {key: value}}, "test")

    assert told in caught.value.summary


@given(st.floats(0, LONGEST) | st.integers(0, LONGEST))
def test_a_duration_that_is_written_is_read_as_the_same(seconds: float) -> None:
    assert DURATION.parse(duration_text(seconds)) == pytest.approx(seconds, abs=1e-6, rel=1e-6)


@given(st.integers(1, 10**15))
def test_a_size_that_is_written_is_read_as_the_same(count: int) -> None:
    assert SIZE.parse(size_text(count)) == count


def test_all_settings_as_they_are_written_are_the_same_settings() -> None:
    changed = {"model": {"idle_timeout": "90 s", "recycle_pages": "never"}, "output": {"formats": ["md", "pdf"]}}
    for settings in (config.Settings(), config.checked(changed, "test")):
        text = yaml.safe_dump(config.written(settings))
        assert config.checked(yaml.safe_load(text), "test") == settings
