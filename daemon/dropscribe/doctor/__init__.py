"""The checklist of `dropscribe doctor`: what could be wrong, each with a remedy. It changes nothing that stays.

One module for each group of checks; every check gets what it looks at as arguments and returns plain values.
"""

from dropscribe.doctor.checklist import examine, examine_without_settings
from dropscribe.doctor.values import Check, State

__all__ = ["Check", "State", "examine", "examine_without_settings"]
