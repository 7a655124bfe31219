"""Whose fault a failure is, and what becomes of the page: the table of failures, row by row.

| failure                                 | the server                        | the page                              |
|-----------------------------------------|-----------------------------------|---------------------------------------|
| no connection, a cut or wrong answer    | out until a probe finds it well   | again; after two alone, and given up  |
|                                         |                                   | when it is lost twice more            |
| 429, 502, 503, 504                      | half as much, and left alone      | again                                 |
| 500                                     | out after two in a row            | again; its own fault when others, or  |
|                                         |                                   | a probe, were answered meanwhile      |
| 401, 403, 404, redirect, not this API   | out until a probe finds it well   | again                                 |
| other 4xx                               | is well                           | smaller, then an error                |
| late, or silent                         | half as much; out after three     | again elsewhere, then a timeout       |
"""

from enum import Enum

from dropscribe.engines.remote.endpoint import Endpoint
from dropscribe.engines.remote.failures import Blame, Failure
from dropscribe.engines.remote.work import Work

LOST_TO_BE_ALONE = 2  # servers lost with a page: from then on it is read alone
LOST_ALONE = 2  # then it is given up
ERRORS_IN_ROW, LATE_IN_ROW = 2, 3  # of different requests: the server is out
LATE_AT_MOST = 2  # for one attempt at a page


class Verdict(Enum):
    """What becomes of the page."""

    AGAIN = "again"  # as part of the budget of retries
    SMALLER = "smaller"
    TIMEOUT = "timeout"  # a reply to its fallback steps
    ERROR = "error"  # a reply to its fallback steps
    POISON = "poison"


def of(
    failure: Failure, work: Work, endpoint: Endpoint, last_success: float, now: float, *, alone: bool, sent: bool
) -> Verdict:
    """Note a failure with the server and the page; return what becomes of the page.

    *last_success* is when any server last answered (monotonic), *alone* whether the server had no other page, *sent*
    whether there was a connection at all.
    """
    work.avoid = endpoint
    match failure.blame:
        case Blame.BUSY:
            endpoint.shrink()
            endpoint.rest(failure.detail, now, failure.wait)
            return Verdict.AGAIN
        case Blame.BARRED:
            endpoint.out(failure.detail, now)
            endpoint.until = now  # the probe decides at once whether it is so for good
            return Verdict.AGAIN
        case Blame.ERROR:
            return _error(failure, work, endpoint, last_success, now)
        case Blame.REFUSED:
            work.avoid = None
            taken_smaller, work.smaller = work.smaller, True
            return Verdict.ERROR if taken_smaller else Verdict.SMALLER
        case Blame.LATE:
            return _late(failure, work, endpoint, now)
        case _:
            return _lost(failure, work, endpoint, now, alone=alone, sent=sent)


def _error(failure: Failure, work: Work, endpoint: Endpoint, last_success: float, now: float) -> Verdict:
    if work.error_at is not None and last_success > work.error_at:
        return Verdict.ERROR
    work.error_at = now if work.error_at is None else work.error_at
    endpoint.errors_in_row += 1
    if endpoint.errors_in_row >= ERRORS_IN_ROW:
        endpoint.out(failure.detail, now)
    return Verdict.AGAIN


def _late(failure: Failure, work: Work, endpoint: Endpoint, now: float) -> Verdict:
    endpoint.shrink()
    endpoint.errors_in_row += 1
    if endpoint.errors_in_row >= LATE_IN_ROW:
        endpoint.out(failure.detail, now)
    work.late += 1
    return Verdict.TIMEOUT if work.late >= LATE_AT_MOST else Verdict.AGAIN


def _lost(failure: Failure, work: Work, endpoint: Endpoint, now: float, *, alone: bool, sent: bool) -> Verdict:
    endpoint.out(failure.detail, now)
    work.lost += sent
    work.lost_alone += sent and alone
    return Verdict.POISON if work.lost_alone >= LOST_ALONE else Verdict.AGAIN


def wants_to_be_alone(work: Work) -> bool:
    """Say whether a page must be the only one at its server: it may be what kills it."""
    return work.lost >= LOST_TO_BE_ALONE
