"""What is wrong with some settings: for the tests of the settings."""

from typing import Any

import pytest

from dropscribe.config import checked
from dropscribe.core.errors import ConfigError, Fault


def faults(values: dict[str, Any]) -> list[Fault]:
    with pytest.raises(ConfigError) as caught:
        checked(values, "config.yaml")
    assert caught.value.exit_code == 2
    return list(caught.value.faults)


def fault(values: dict[str, Any]) -> Fault:
    (only,) = faults(values)
    return only
