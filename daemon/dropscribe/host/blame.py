"""Who is to blame for the end of a worker: what becomes of each job in its hands. Pure."""

from dropscribe.core.errors import Reason
from dropscribe.core.job import Outcome
from dropscribe.host.connection import Connection
from dropscribe.host.values import Died, Event, Finished


def of(worker: Connection, fault: Reason, died: str) -> list[Event]:
    """Return what becomes of the jobs in the hands of a worker that ends.

    Those it had not begun are innocent. Of those it had, only a single one is to blame; several prove nothing.
    """
    begun = [active for active in worker.jobs.values() if active.begun] or list(worker.jobs.values())[:1]
    handed_back = worker.stopping_since is not None or not died
    events: list[Event] = []
    for active in worker.jobs.values():
        if handed_back or active not in begun:
            end = "stopped" if handed_back else "drained"
            events.append(Finished(active.order, Outcome(active.order.job, active.order.claim, end)))
        else:
            events.append(Died(active.order, fault, died, suspect=len(begun) > 1))
    return events
