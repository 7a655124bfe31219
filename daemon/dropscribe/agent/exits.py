"""Descriptions of how the agent's process ended: exit codes, signals and the system's own reasons. Pure."""

import signal

_OURS = {
    1: "it failed; see dropscribe logs",
    2: "the settings are invalid, or another daemon uses the same state folder; dropscribe check shows which",
    126: "the program is not executable",
    127: "the program was not found",
}
LAUNCHD = _OURS | {
    78: "launchd could not set it up: its program, working folder or log file is missing, unwritable, or in a "
    "location that agents may not use (Desktop, Documents, Downloads, iCloud Drive, another disk)",
}
SYSTEMD = _OURS | {
    200: "its working folder cannot be entered",
    203: "its Python cannot be executed; was the environment moved or removed?",
    217: "its user is not known to the system",
}
_SIGNALS = {
    signal.SIGKILL: "killed, possibly by the system because memory ran out",
    signal.SIGABRT: "a library aborted",
    signal.SIGSEGV: "a library crashed",
    signal.SIGBUS: "a library crashed",
    signal.SIGTERM: "it was asked to stop",
}
_RESULTS = {
    "oom-kill": "the system killed it because memory ran out",
    "timeout": "it did not start or stop in time",
    "start-limit-hit": "it failed too often in a short time; systemd no longer restarts it",
    "watchdog": "it stopped responding",
}


def by_code(code: int, known: dict[int, str]) -> str:
    """Return what an exit code means; *known* is `LAUNCHD` or `SYSTEMD`."""
    if code > 128 and code - 128 in {int(number) for number in _SIGNALS}:
        return f"exit code {code}: {_SIGNALS[signal.Signals(code - 128)]}"  # as a shell between would pass it on
    return f"exit code {code}: {known.get(code, 'not an exit code of Dropscribe')}"


def by_signal(number: int) -> str:
    """Return the meaning of an end by a signal."""
    try:
        found = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return f"signal {number} ({found.name}): {_SIGNALS.get(found, 'terminated from outside')}"


def by_result(result: str) -> str | None:
    """Return the meaning of systemd's `Result` where it is more precise than the exit code, else None."""
    return _RESULTS.get(result)


def by_reason(reason: str) -> str:
    """Return what launchd's `last exit reason` means."""
    if "JETSAM" in reason.upper():
        return f"{reason}: the system killed it because memory ran out"
    if "CODESIGN" in reason.upper():
        return f"{reason}: the system rejects the code signature of its Python; reinstall Python"
    return reason
