"""The systemd of one user: start the unit, stop it, query it."""

import os
import pwd
import tempfile

from dropscribe.agent import exits, systemd
from dropscribe.agent.calls import NOT_THERE, Answer, call
from dropscribe.agent.plan import Plan
from dropscribe.agent.report import Report
from dropscribe.agent.systemd import UNIT
from dropscribe.agent.timeouts import Timeouts
from dropscribe.core.errors import DropscribeError
from dropscribe.files import durable

QUICK = 5.0  # seconds for a question
ASKED = "LoadState,UnitFileState,ActiveState,MainPID,Result,ExecMainCode,ExecMainStatus,NRestarts"
EXITED = "1"  # CLD_EXITED of sigaction(2), as ExecMainCode tells it


class Systemd:
    """The user's own systemd, with its units below *settings* (`~/.config`)."""

    name = "systemd user unit"
    off = "enable it with: dropscribe install"

    def __init__(self, settings: str) -> None:
        self._folder = os.path.join(settings, "systemd/user")
        self.path = os.path.join(self._folder, UNIT)

    def render(self, plan: Plan) -> bytes:
        """Return the unit."""
        return systemd.render(plan)

    def require(self) -> None:
        """Raise `DropscribeError` when no systemd runs for this user."""
        answer = call("systemctl", "--user", "show-environment", seconds=QUICK)
        if answer.code == NOT_THERE:
            raise DropscribeError(
                "install", "this system has no systemd, which would start the unit",
                "let your own supervisor run: dropscribe run --agent",
            )  # fmt: skip
        if answer.code != 0:
            unset = "" if os.environ.get("XDG_RUNTIME_DIR") else "; XDG_RUNTIME_DIR is not set"
            raise DropscribeError(
                "install", f"no systemd runs for the user {_user() or os.getuid()} here ({answer.line}{unset}); "
                "nothing was written", _without_manager(),
            )  # fmt: skip

    def start(self, plan: Plan, timeouts: Timeouts) -> list[str]:
        """Check and write the unit, then (re)start it; see `Supervisor`."""
        content = self.render(plan)
        _verify(content)
        os.makedirs(self._folder, exist_ok=True)
        durable.write(self.path, content)
        os.chmod(self.path, 0o644)
        self._do("daemon-reload")
        self._do("enable", UNIT)
        self._do("restart", UNIT, seconds=plan.stop_seconds + timeouts.gone)
        return list(self._notes())

    def remove(self, timeouts: Timeouts) -> bool:
        """Stop and disable it, remove the file; without a running systemd just the file. See `Supervisor`."""
        if not os.path.lexists(self.path):
            return False
        call("systemctl", "--user", "disable", "--now", UNIT, seconds=600.0)
        for path in (os.path.join(self._folder, "default.target.wants", UNIT), self.path):
            if os.path.lexists(path):
                os.unlink(path)
        call("systemctl", "--user", "daemon-reload")
        return True

    def report(self) -> Report:
        """Ask systemd; see `Supervisor`."""
        answer = call("systemctl", "--user", "show", UNIT, "--property", ASKED, seconds=QUICK)
        return parse(answer.text) if answer.code == 0 else Report(loaded=False)

    def _do(self, *words: str, seconds: float = 30.0) -> None:
        answer = call("systemctl", "--user", *words, seconds=seconds)
        if answer.code != 0:
            raise DropscribeError(
                "install", f"systemctl --user {words[0]} ended with {answer.code} ({answer.line})",
                f"see journalctl --user --unit {UNIT}",
            )  # fmt: skip

    def _notes(self) -> list[str]:
        linger = call("loginctl", "show-user", _user() or str(os.getuid()), "--property", "Linger", seconds=QUICK)
        if linger.text.strip() != "Linger=no":
            return []
        return [f"It stops when you log out. To keep it running, run once: {_enable_linger()}"]


def _user() -> str | None:
    """Return the user's name, or None for a number without one, as a container may run us."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None


def _enable_linger() -> str:
    return f"{'' if os.geteuid() == 0 else 'sudo '}loginctl enable-linger {_user() or os.getuid()}"


def _without_manager() -> str:
    """Return what helps where no systemd runs for this user; one without a name cannot log in."""
    contained = "in a container let its own supervisor run: dropscribe run --agent"
    if _user() is None:
        return contained
    return (
        f"log in as this user at the machine or by ssh (not with su or sudo), or run: {_enable_linger()}; {contained}"
    )


def _verify(content: bytes) -> None:
    """Let systemd check the unit before it is installed, where systemd-analyze exists."""
    with tempfile.TemporaryDirectory(prefix="dropscribe-unit-") as folder:
        path = os.path.join(folder, UNIT)
        with open(path, "wb") as file:
            file.write(content)
        answer = call("systemd-analyze", "verify", "--user", path)
    if answer.code not in (0, NOT_THERE) and UNIT in answer.text:
        raise DropscribeError("install", f"systemd rejects the unit ({_about(answer)})", "please report this")


def _about(answer: Answer) -> str:
    return next(line.strip() for line in answer.text.splitlines() if UNIT in line)


def parse(text: str) -> Report:
    """Parse `systemctl show`."""
    properties = dict(line.partition("=")[::2] for line in text.splitlines())
    pid, restarts = properties.get("MainPID", "0"), properties.get("NRestarts", "")
    return Report(
        loaded=properties.get("LoadState") == "loaded",
        disabled=properties.get("UnitFileState") in ("disabled", "masked"),
        pid=int(pid) if pid.isdigit() and pid != "0" else None,
        last_end=_last_end(properties),
        runs=int(restarts) + 1 if restarts.isdigit() else None,
    )


def _last_end(properties: dict[str, str]) -> str | None:
    if meaning := exits.by_result(properties.get("Result", "")):
        return meaning
    status = properties.get("ExecMainStatus", "")
    if not status.isdigit() or status == "0":
        return None
    if properties.get("ExecMainCode") == EXITED:
        return exits.by_code(int(status), exits.SYSTEMD)
    return exits.by_signal(int(status))
