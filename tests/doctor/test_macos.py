"""What only a Mac is asked: its version, and whose name messages bear."""

import pytest

from dropscribe.config import checked
from dropscribe.doctor import macos
from dropscribe.doctor.values import State


@pytest.mark.parametrize(
    ("found", "state"), [("14.7.1", State.FAULT), ("15.0", State.OK), ("26.1", State.OK), ("10.16", State.FAULT)]
)
def test_macos_15_is_the_oldest_that_the_packages_have_wheels_for(found: str, state: State) -> None:
    assert macos.version(found).state is state


def test_messages_that_are_wanted_name_the_program_that_must_be_allowed() -> None:
    assert macos.messages("never").state is State.OK
    assert "Script Editor" in macos.messages("failures").detail


def test_other_systems_are_asked_nothing() -> None:
    assert list(macos.all_of(checked({}, "test"), "linux")) == []
