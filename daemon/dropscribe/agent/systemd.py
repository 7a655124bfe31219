"""The systemd user unit: a plan as text. It starts nothing.

Quoting follows systemd.syntax(7) and systemd.unit(5): `%` is a specifier everywhere, `$` a variable in ExecStart only.
"""

from dropscribe.agent.plan import Plan
from dropscribe.core.errors import DropscribeError

UNIT = "dropscribe.service"


def render(plan: Plan) -> bytes:
    """Return the unit for *plan* as a file's bytes."""
    command = " ".join(_quoted(word).replace("$", "$$") for word in (plan.python, *plan.arguments))
    variables = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in plan.environment.items())
    return f"""\
# Written by dropscribe install; dropscribe uninstall removes it.
[Unit]
Description=Dropscribe: OCR of the files that appear in its inbox
# Never give up starting it: a full disk or a missing share can last for days.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
# The minus: a missing folder is no failure to start; the daemon creates it.
WorkingDirectory=-{_plain(plan.state)}
{variables}
Restart=on-failure
RestartSec=30
# SIGTERM goes to the daemon alone, which lets its worker finish the current page.
KillMode=mixed
TimeoutStopSec={plan.stop_seconds}
# When the kernel kills the worker because memory ran out, the daemon handles it and starts another.
OOMPolicy=continue
UMask={plan.umask:04o}
LimitNOFILE=4096:524288
# systemd's journal: no path that can be wrong. The daemon has a log of its own as well.
StandardOutput=journal
StandardError=journal

[Install]
WantedBy=default.target
""".encode()


def _plain(text: str) -> str:
    """Return a path as the value of a setting that takes the whole line."""
    if any(not c.isprintable() for c in text):
        raise DropscribeError("install", f"a unit cannot hold this path (got {text!r})", "choose a folder without it")
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + _plain(word).replace("\\", "\\\\").replace('"', '\\"') + '"'
