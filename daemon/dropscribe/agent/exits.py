"""What the end of the agent's process means, in words: exit codes, signals and the system's own reasons. Pure."""

import signal

_OURS = {
    1: "it failed; dropscribe logs says at what",
    2: "the settings are wrong, or another daemon works with the same state folder; dropscribe check tells which",
    126: "the program may not be run",
    127: "the program was not found",
}
LAUNCHD = _OURS | {
    78: "launchd could not set it up: its program, working folder or log file is missing, unwritable, or in a place "
    "that agents may not use (Desktop, Documents, Downloads, iCloud Drive, another disk)",
}
SYSTEMD = _OURS | {
    200: "its working folder cannot be entered",
    203: "its Python cannot be run; was the environment moved or removed?",
    217: "its user is not known to the system",
}
_SIGNALS = {
    signal.SIGKILL: "killed by force, or by the system for want of memory",
    signal.SIGABRT: "a library gave up (abort)",
    signal.SIGSEGV: "a library crashed",
    signal.SIGBUS: "a library crashed",
    signal.SIGTERM: "it was told to end",
}
_RESULTS = {
    "oom-kill": "the system ended it for want of memory",
    "timeout": "it did not start or stop in time",
    "start-limit-hit": "it failed too often in a short time; systemd starts it no more by itself",
    "watchdog": "it stopped answering",
}


def by_code(code: int, known: dict[int, str]) -> str:
    """Return what an exit code means; *known* is `LAUNCHD` or `SYSTEMD`."""
    if code > 128 and code - 128 in {int(number) for number in _SIGNALS}:
        return f"exit code {code}: {_SIGNALS[signal.Signals(code - 128)]}"  # as a shell between would pass it on
    return f"exit code {code}: {known.get(code, 'not one that Dropscribe gives')}"


def by_signal(number: int) -> str:
    """Return what the end by a signal means."""
    try:
        found = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return f"signal {number} ({found.name}): {_SIGNALS.get(found, 'ended from outside')}"


def by_result(result: str) -> str | None:
    """Return what systemd's `Result` means where it says more than the exit code does, else None."""
    return _RESULTS.get(result)


def by_reason(reason: str) -> str:
    """Return what launchd's `last exit reason` means."""
    if "JETSAM" in reason.upper():
        return f"{reason}: the system ended it for want of memory"
    if "CODESIGN" in reason.upper():
        return f"{reason}: the system refuses the signature of its Python; install Python anew"
    return reason
