"""How values of the status are told to people, in a terminal and on the page; `status --json` has them as they are."""

from dropscribe.core.status import LastHook

WAITING = {
    "stable": "still settling",
    "incomplete": "seems incomplete; waits for the rest",
    "writer": "its writer is not done",
    "cloud": "its content is still in the cloud",
    "permission": "may not be read; waits for permission",
    "lock": "locked; waits until it is not",
}


def waiting(what: str) -> str:
    """Return what a file in the inbox waits for, in words."""
    return WAITING.get(what, f"waits for {what}")


def counts_tokens(engine: str | None) -> bool:
    """Say whether *engine* has tokens: the embedded one counts lines."""
    return engine != "rapidocr"


def ending(hook: LastHook) -> str:
    """Return how a hook that failed has ended, and why; one that we have ended has only the reason."""
    if hook.exit is None:
        return f"did not begin: {hook.message}"
    if hook.message.startswith("it took longer"):
        return f"was ended: {hook.message}"
    return f"ended with {hook.exit}" + (f": {hook.message}" if hook.message else "")
