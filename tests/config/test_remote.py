"""How servers are named in the settings: what is a base URL, what is refused, and the section inside another."""

from pathlib import Path

import pytest

from dropscribe.config import checked, plain
from support.config_faults import fault, faults


def url(given: object) -> tuple[str, ...]:
    return checked({"engine": {"remote": {"url": given}}}, "x").engine.remote.url


@pytest.mark.parametrize(
    "given",
    [
        "http://gpu1:8000", "http://gpu1:8000/", "http://GPU1:8000/v1", "http://gpu1:8000/v1/",
        "http://gpu1:8000/v1/chat/completions", "http://gpu1:8000/v1/models", " http://gpu1:8000 ",
    ],
)  # fmt: skip
def test_what_people_copy_is_one_base_url(given: str) -> None:
    assert url(given) == ("http://gpu1:8000",)


def test_several_replicas_each_once_and_a_path_of_ones_own() -> None:
    given = ["https://a/llm/v1", "http://[::1]:80", "https://a/llm"]

    assert url(given) == ("https://a/llm", "http://[::1]:80")


@pytest.mark.parametrize(
    "given", ["gpu1:8000", "ftp://gpu1", "http://", "http://x:port", "http://x:0", 5, ["http://a", 5]]
)
def test_what_is_no_url_is_refused(given: object) -> None:
    found = fault({"engine": {"remote": {"url": given}}})

    assert found.where == "config.yaml: engine.remote.url" and "must be a URL" in found.what


@pytest.mark.parametrize("given", ["http://me:secret@gpu1", "http://gpu1/?key=secret"])
def test_a_key_does_not_belong_into_a_url(given: str) -> None:
    assert "engine.remote.key_file" in fault({"engine": {"remote": {"url": given}}}).what


def test_the_remote_engine_needs_a_server() -> None:
    assert fault({"engine": {"name": "remote"}}).where == "config.yaml: engine.remote.url"


def test_faults_of_the_inner_section_are_told_with_all_others() -> None:
    found = faults({"engine": {"attempts": 0, "remote": {"in_flight": 0, "urls": [], "image": "gif"}}})

    assert [f.where.removeprefix("config.yaml: engine.") for f in found] == [
        "attempts", "remote.in_flight", "remote.urls", "remote.image",
    ]  # fmt: skip
    assert found[1].remedy == "correct it, or remove the line to use 16"
    assert found[2].remedy == 'did you mean "url"?'


def test_further_fields_are_a_mapping() -> None:
    assert fault({"engine": {"remote": {"extra": [1]}}}).what == "must be a mapping (got [1])"


@pytest.mark.parametrize("given", ["http://gpu1", 5, []])
def test_the_inner_section_is_one(given: object) -> None:
    assert "must be a section" in fault({"engine": {"remote": given}}).what


def test_an_empty_inner_section_means_its_defaults_and_files_are_absolute() -> None:
    assert checked({"engine": {"remote": None}}, "x") == checked({}, "x")
    remote = checked({"engine": {"remote": {"key_file": "~/key", "ca": "ca.pem"}}}, "x").engine.remote
    assert remote.key_file == str(Path("~/key").expanduser()) and remote.ca == "/ca.pem"


def test_plain_values_make_the_same_settings_again() -> None:
    values = {"engine": {"name": "remote", "remote": {"url": "http://a", "extra": {"deep": {"list": [1, None]}}}}}

    assert checked(plain(checked(values, "x")), "y") == checked(values, "x")
