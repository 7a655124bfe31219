"""How much of a picture or page did not come out of its data: the words that judges of single formats answer with."""

from enum import IntEnum


class Loss(IntEnum):
    """What is missing; the greater of two is what both together lack."""

    NONE = 0
    DOUBT = 1  # everything decoded, but something is odd: kept, and flagged `partial`
    SOME = 2  # a part is missing
    ALL = 3  # what matters is missing
