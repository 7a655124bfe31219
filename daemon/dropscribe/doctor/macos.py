"""What only a Mac has to be asked: is it new enough for the packages, and will it show messages."""

import platform
import sys
from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.doctor.packages import numbers
from dropscribe.doctor.values import Check, fault, ok, skipped

OLDEST = (15,)  # pikepdf and onnxruntime have wheels for Apple Silicon from macOS 15 and 14 on, mlx from 14 on
SHOWN_BY = "System Settings > Notifications > Script Editor"


def all_of(settings: Settings, system: str = sys.platform) -> Iterator[Check]:
    """Make every check; none on another *system*, as in `sys.platform`."""
    if system == "darwin":
        yield version(platform.mac_ver()[0])
        yield messages(settings.notify.when)


def version(found: str) -> Check:
    """Judge the version of macOS."""
    if numbers(found) < OLDEST:
        what = f"macOS {found} is older than the packages that Dropscribe needs"
        return fault("macos", what, "update to macOS 15 or newer")
    return ok("macos", f"macOS {found}")


def messages(when: str) -> Check:
    """Tell whose name messages bear: macOS drops them, without a word, until that program is allowed to show any."""
    if when == "never":
        return ok("messages", "none are wanted (notify.when)")
    what = "macOS does not tell; they come from Script Editor and are shown once that has been allowed"
    return skipped("messages", f"{what}: {SHOWN_BY}")
