"""The launchd of one user: load the agent, unload it, query it; with the waits that launchd needs.

Exit statuses decide wherever there is one; the text of `launchctl print` is no interface, so what is not found there
is unknown. Codes and waits are from third parties' reports and man pages; not run on a Mac.
"""

import os
import re

from dropscribe.agent import exits, launchd
from dropscribe.agent.calls import Answer, call
from dropscribe.agent.launchd import LABEL
from dropscribe.agent.plan import AFTER_GRACE, Plan
from dropscribe.agent.report import Report
from dropscribe.agent.timeouts import Timeouts, until
from dropscribe.core.errors import DropscribeError
from dropscribe.files import durable

NOT_LOADED, NO_SESSION = (3, 113), 125
LATER = (5, 36, 37)  # still unloading, or in progress; 5 also for anything else: the last one is reported
QUICK = 5.0  # seconds for a question
_MEANINGS = {
    5: "launchd refuses it: an older one is still loaded, it is disabled, or the file or its owner is wrong",
    36: "launchd is still processing the last change",
    37: "launchd is still processing the last change",
    113: "launchd does not know it",
    127: "launchctl is not installed; launchd is part of macOS",
}


class Launchd:
    """The launchd of one user, for that user's agents in *home*."""

    name = "launchd agent"
    off = (
        "System Settings > General > Login Items & Extensions (it is listed there under the name of its Python), "
        "or: dropscribe install"
    )

    def __init__(self, uid: int, home: str, label: str = LABEL) -> None:
        self.path = os.path.join(home, "Library/LaunchAgents", f"{label}.plist")
        self._label = label
        self._domain = f"gui/{uid}"
        self._target = f"gui/{uid}/{label}"

    def render(self, plan: Plan) -> bytes:
        """Return the property list."""
        return launchd.render(plan)

    def require(self) -> None:
        """Raise `DropscribeError` where there is no launchctl, or for a user who has become root."""
        if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
            raise DropscribeError("install", "an agent belongs to a user and not to root", "run it again without sudo")
        answer = call("launchctl", "version", seconds=QUICK)
        if answer.code == 127:
            raise DropscribeError("install", f"launchctl: {_MEANINGS[127]}", "omit --for")

    def start(self, plan: Plan, timeouts: Timeouts) -> list[str]:
        """Write the property list and load it, after an older one has been unloaded; see `Supervisor`."""
        self._unload(timeouts)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)  # absent on a fresh macOS
        durable.write(self.path, self.render(plan))
        os.chmod(self.path, 0o644)  # launchd refuses one that others may write
        launchd.shorten_output(plan.logs)
        self._load(timeouts)
        return ["macOS announces it as a background item under the name of its Python, and lists it so in Login Items."]

    def remove(self, timeouts: Timeouts) -> bool:
        """Unload it, wait until it has exited, remove the file; see `Supervisor`."""
        loaded = self._unload(timeouts)
        if os.path.lexists(self.path):
            os.unlink(self.path)
            return True
        return loaded

    def report(self) -> Report:
        """Ask launchd; see `Supervisor`."""
        answer = call("launchctl", "print", self._target, seconds=QUICK)
        if answer.code != 0:
            return Report(loaded=False, disabled=self._disabled())
        return parse(answer.text)

    def _loaded(self) -> bool:
        return call("launchctl", "print", self._target, seconds=QUICK).code == 0

    def _disabled(self) -> bool:
        listed = call("launchctl", "print-disabled", self._domain, seconds=QUICK).text
        # "disabled" on recent systems, "true" on older ones; no line means that it is not disabled
        return re.search(rf'"{re.escape(self._label)}" => (disabled|true)\b', listed) is not None

    def _unload(self, timeouts: Timeouts) -> bool:
        """Unload an agent and wait until launchd no longer lists it; return whether there was one.

        `bootout` returns before the process has ended; a `bootstrap` right after it fails.
        """
        grace = self._stop_seconds() + timeouts.gone
        answer = call("launchctl", "bootout", self._target, seconds=grace)
        if answer.code in NOT_LOADED:
            return False
        if answer.code == NO_SESSION:
            raise self._no_session()
        if not until(lambda: not self._loaded(), grace, timeouts.step):
            raise _refused("bootout", answer, f"it was still loaded after {grace:.0f} s")
        return True

    def _stop_seconds(self) -> int:
        """Return the seconds that the installed agent may take to stop."""
        found = (launchd.read(self.path) or {}).get("ExitTimeOut")
        return found if isinstance(found, int) else AFTER_GRACE

    def _load(self, timeouts: Timeouts) -> None:
        """Load the file; launchd may refuse that for some seconds after a bootout."""
        call("launchctl", "enable", self._target)  # bootstrap fails with 5 while it is disabled
        last = Answer(0, "")

        def taken() -> bool:
            nonlocal last
            last = call("launchctl", "bootstrap", self._domain, self.path)
            if last.code == NO_SESSION:
                raise self._no_session()
            if last.code not in (0, *LATER):
                raise _refused("bootstrap", last)
            return last.code == 0 or self._loaded()

        if not until(taken, timeouts.bootstrap, timeouts.step):
            if self._disabled():
                raise DropscribeError("install", "the agent is disabled for this user", f"enable it: {self.off}")
            raise _refused("bootstrap", last)

    def _no_session(self) -> DropscribeError:
        written = f"; {self.path} is written and starts it at the next login" if os.path.exists(self.path) else ""
        return DropscribeError(
            "install",
            "launchd has no graphical session for this user, or the agent is disabled in Login Items (launchctl: 125)"
            f"{written}",
            f"log in at the Mac itself, not by ssh, and run dropscribe install there; or enable it: {self.off}",
        )  # fmt: skip


def _refused(verb: str, answer: Answer, more: str = "") -> DropscribeError:
    meaning = _MEANINGS.get(answer.code, "see launchctl error for the number")
    what = f"launchctl {verb} ended with {answer.code} ({answer.line}): {more or meaning}"
    return DropscribeError("install", what, "wait a minute and try again; if that fails, log out and in again")


def parse(text: str) -> Report:
    """Parse `launchctl print`; only its first level counts, since inner blocks have a `state` too."""
    properties = dict(re.findall(r"^\t(\S[^=\n]*?) = (.*)$", text, re.MULTILINE))
    pid = properties.get("pid", "")
    runs = properties.get("runs", "")
    return Report(
        loaded=True,
        pid=int(pid) if pid.isdigit() else None,
        last_end=_last_end(properties),
        runs=int(runs) if runs.isdigit() else None,
    )


def _last_end(properties: dict[str, str]) -> str | None:
    if reason := properties.get("last exit reason"):
        return exits.by_reason(reason)
    if found := re.search(r"(\d+)$", properties.get("last terminating signal", "")):
        return exits.by_signal(int(found[1]))
    code = re.match(r"-?\d+", properties.get("last exit code", ""))
    return exits.by_code(int(code[0]), exits.LAUNCHD) if code and int(code[0]) else None
