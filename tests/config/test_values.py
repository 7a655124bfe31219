"""Every value has its kind, its unit and its bounds; what lies outside is refused and never clamped."""

import re
from typing import Any

import pytest

from dropscribe.config import FORMATS, Settings, checked, keys, plain, restored
from dropscribe.config.schema import FORMER_KEYS
from dropscribe.core.errors import ConfigError, Fault
from support.config_faults import fault, faults


def value(section: str, key: str, given: object) -> Any:
    return getattr(getattr(checked({section: {key: given}}, "config.yaml"), section), key)


@pytest.mark.parametrize(
    "given, seconds",
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("24h", 86400), ("2d", 172800), (7, 7), (0.5, 0.5), ("7", 7),
     ("1.5 h", 5400),
     (" 10S ", 10)],
)  # fmt: skip
def test_durations(given: object, seconds: float) -> None:
    assert value("intake", "stable_for", given) == seconds


@pytest.mark.parametrize(
    "given, size",
    [("200KB", 200_000), ("512MB", 512_000_000), ("2GB", 2 * 10**9), ("1.5KB", 1500), ("1 KiB", 1024),
     ("3mib", 3 * 2**20),
     ("1GiB", 2**30), (5, 5), ("5", 5), ("9B", 9), (2.0, 2)],
)  # fmt: skip
def test_sizes(given: object, size: int) -> None:
    got = value("intake", "max_file", given)

    assert (got, type(got)) == (size, int)


@pytest.mark.parametrize(
    "key, given", [("max_file", "9" * 400 + "GB"), ("stable_for", "9" * 400), ("max_pixels", 10**400)]
)
def test_numbers_beyond_all_measure_are_faults_like_any_other(key: str, given: object) -> None:
    assert fault({"intake": {key: given}}).where == f"config.yaml: intake.{key}"


BAD_DURATIONS = [
    "soon",
    "5 parsecs",
    "-5s",
    "",
    "s",
    "1:30x",
    "1e3s",
    None,
    True,
    [5],
    {"s": 5},
    -1,
    float("nan"),
    float("inf"),
    "11y",
]
BAD_SIZES = ["big", "1XB", "-1MB", "", 0, -5, "0.4B", None, True, [5], float("nan")]


@pytest.mark.parametrize("given", BAD_DURATIONS)
def test_what_is_no_duration_is_refused(given: object) -> None:
    found = fault({"intake": {"stable_for": given}})

    assert found.where == "config.yaml: intake.stable_for"
    assert f"(got {given!r})" in found.what and "2s" in found.remedy


@pytest.mark.parametrize("given", BAD_SIZES)
def test_what_is_no_size_is_refused(given: object) -> None:
    assert fault({"intake": {"max_file": given}}).where == "config.yaml: intake.max_file"


def test_an_endless_size_is_refused() -> None:
    assert fault({"intake": {"max_file": float("inf")}}).where == "config.yaml: intake.max_file"


@pytest.mark.parametrize(
    "section, key",
    [("intake", "max_pages"), ("memory", "max_percent"), ("engine", "attempts"), ("model", "recycle_pages")],
)
def test_a_switch_is_no_number(section: str, key: str) -> None:
    assert fault({section: {key: True}}).where == f"config.yaml: {section}.{key}"


BOUNDS = [
    ("intake", "stable_for", 0.1, 0.09), ("intake", "rescan_interval", 1, 0.9), ("intake", "incomplete_timeout", 0, -1),
    ("intake", "decode_timeout", 0.1, 0), ("intake", "max_pages", 1, 0), ("intake", "max_pixels", 1, 0),
    ("engine", "max_tokens", 1, 0), ("engine", "max_tokens", 32768, 32769), ("engine", "attempts", 1, 0),
    ("engine", "attempts", 10, 11), ("engine", "page_timeout", 0.1, 0), ("memory", "max_percent", 1, 0.9),
    ("memory", "max_percent", 100, 100.1), ("model", "recycle_pages", 1, 0), ("model", "idle_timeout", 0, -1),
    ("model", "recycle_after", 1, 0), ("model", "cache_limit", 1, 0), ("model", "shutdown_grace", 0, -1),
]  # fmt: skip


@pytest.mark.parametrize("section, key, inside, outside", BOUNDS)
def test_bounds_are_kept_exactly_and_nothing_is_clamped(section: str, key: str, inside: float, outside: float) -> None:
    assert value(section, key, inside) == inside
    found = fault({section: {key: outside}})
    assert found.where == f"config.yaml: {section}.{key}" and f"(got {outside})" in found.what


NEVER = ["idle_timeout", "clear_cache_after", "recycle_pages", "recycle_after", "recycle_growth"]


@pytest.mark.parametrize("key", NEVER)
def test_never_is_a_word_where_it_makes_sense(key: str) -> None:
    assert value("model", key, "never") is None


@pytest.mark.parametrize(
    "section, key", [("model", "shutdown_grace"), ("intake", "stable_for"), ("model", "cache_limit")]
)
def test_never_is_refused_elsewhere(section: str, key: str) -> None:
    assert "(got 'never')" in fault({section: {key: "never"}}).what


def test_words_are_listed_when_a_wrong_one_is_given() -> None:
    assert fault({"engine": {"name": "deepseek"}}) == Fault(
        "config.yaml: engine.name",
        "must be one of auto, deepseek-ocr, rapidocr or remote (got 'deepseek')",
        "correct it, or remove the line to use auto",
    )


def test_formats_are_a_list_of_known_words() -> None:
    assert value("output", "formats", list(FORMATS)) == FORMATS
    assert {f.where for f in faults({"output": {"formats": ["text", "word"]}})} == {"config.yaml: output.formats"}
    assert fault({"output": {"formats": []}}).where == "config.yaml: output.formats"
    assert fault({"output": {"formats": "txt"}}).where == "config.yaml: output.formats"


@pytest.mark.parametrize("values", [{"output": {"formats": "txt"}}, {"output": {"formats": []}}, {"intake": 5}])
def test_messages_use_no_words_of_the_programming_language(values: dict[str, Any]) -> None:
    assert not re.search("tuple|dict|instance", fault(values).what)


@pytest.mark.parametrize(
    "values, written", [({"model": {"prewarm": "x"}}, "true"), ({"output": {"formats": "txt"}}, "[txt]")]
)
def test_the_default_is_told_as_it_is_written_in_the_file(values: dict[str, Any], written: str) -> None:
    assert fault(values).remedy == f"correct it, or remove the line to use {written}"


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Settings().intake.stable_for = 5


def test_a_wrong_format_is_told_once() -> None:
    assert "must be one of" in fault({"output": {"formats": ["text"]}}).what


@pytest.mark.parametrize("key, new", FORMER_KEYS.items())
def test_a_former_name_is_answered_with_the_new_one(key: str, new: str) -> None:
    section, old = key.split(".")
    with pytest.raises(ConfigError) as caught:
        checked({section: {old: "1s"}}, "mine.yaml")

    (one,) = caught.value.faults
    assert one.where == f"mine.yaml: {key}" and new in one.remedy
    assert (section, new) in keys() and (section, old) not in keys()


@pytest.mark.parametrize("old, new", [("number", "suffix"), ("replace", "overwrite")])
def test_a_former_word_is_answered_with_the_new_one(old: str, new: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked({"output": {"conflict": old}}, "mine.yaml")

    (one,) = caught.value.faults
    assert old in one.what and one.remedy == f"write {new}"


@pytest.mark.parametrize("given, taken", [([], ()), (["scanner", 1000], ("scanner", "1000")), ("any", "any")])
def test_owners_are_names_or_everybody(given: object, taken: object) -> None:
    settings = checked({"intake": {"trusted_owners": given}}, "x")

    assert settings.intake.trusted_owners == taken
    assert restored(plain(settings)) == settings


@pytest.mark.parametrize("given", ["scanner", [""], [None], 5, None, [["scanner"]]])
def test_other_words_for_owners_are_refused(given: object) -> None:
    assert "must be one of any, or user names" in fault({"intake": {"trusted_owners": given}}).what
