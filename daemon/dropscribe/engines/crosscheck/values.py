"""What the second reader has read of a page, as the comparison takes it. Values only."""

from dataclasses import dataclass

from dropscribe.core.pages import Box


@dataclass(frozen=True)
class Heard:
    """A line as the second reader has it."""

    text: str
    confidence: float  # 0 to 1
    box: Box


@dataclass(frozen=True)
class Reading:
    """A page as the second reader has it, in reading order."""

    lines: tuple[Heard, ...]
    unread: float = 0.0  # share of the length of all lines found that could not be read
    able: bool = True  # it knows the page's script
    sure: bool = True  # it read the page with confidence
