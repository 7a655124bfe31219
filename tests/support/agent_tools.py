"""Stand-ins for the system's tools, put on PATH: some answer from a list, some really start and stop the agent.

Answers are recorded behaviour: third parties' reports of `launchctl` (statuses 3, 5, 36, 37, 113, 125), and what
`systemctl` of systemd 252 printed on Linux.
"""

import json
import stat
import sys
from pathlib import Path

REPLAY = """\
import json, os, sys
words, me = sys.argv[1:], os.path.abspath(__file__)
verb = next((w for w in words if not w.startswith("-")), "")
with open(me + ".calls", "a+") as file:
    file.seek(0)
    before = sum(verb in json.loads(line) for line in file)
    file.write(json.dumps(words) + "\\n")
with open(me + ".json") as file:
    answers = json.load(file).get(verb) or [[0, ""]]
code, text = answers[min(before, len(answers) - 1)]
print(text)
sys.exit(code)
"""

# A launchd and a systemd in small: the agent is a real process, and its end takes its time.
LIVING = """\
import json, os, plistlib, shlex, signal, subprocess, sys, time
words, me = sys.argv[1:], os.path.abspath(__file__)
with open(me + ".calls", "a") as file:
    file.write(json.dumps(words) + "\\n")

def pid():
    try:
        with open(me + ".pid") as file:
            found = int(file.read())
        with open(f"/proc/{found}/stat") as file:
            return None if file.read().rpartition(")")[2].split()[0] == "Z" else found
    except (OSError, ValueError):
        return None

def start(command, folder, output, variables):
    with open(output, "ab") as log:
        child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env={"HOME": os.environ["HOME"]} | variables, start_new_session=True)
    with open(me + ".pid", "w") as file:
        file.write(str(child.pid))

def launchctl(verb, *rest):
    if verb == "bootstrap":
        if pid():
            return 5, "Bootstrap failed: 5: Input/output error"
        with open(rest[1], "rb") as file:
            values = plistlib.load(file)
        start(values["ProgramArguments"], values["WorkingDirectory"], values["StandardErrorPath"],
              values["EnvironmentVariables"])
    elif verb == "bootout":
        if not pid():
            return 3, "Boot-out failed: 3: No such process"
        os.kill(pid(), signal.SIGTERM)  # and does not wait, as the real one does not
    elif verb == "print":
        if not pid():
            return 113, "Could not find service"
        return 0, f"x = {{\\n\\tstate = running\\n\\tpid = {pid()}\\n\\tlast exit code = (never exited)\\n}}"
    return 0, ""

def systemctl(user, verb, *rest):
    if verb in ("restart", "disable"):
        ending = pid()
        if ending:
            os.kill(ending, signal.SIGTERM)
        while pid():
            time.sleep(0.02)
    if verb == "restart":
        with open(os.path.join(os.environ["XDG_CONFIG_HOME"], "systemd/user", rest[0])) as file:
            pairs = [line.rstrip("\\n").partition("=")[::2] for line in file]
        facts = dict(pairs)
        variables = dict(shlex.split(value)[0].split("=", 1) for key, value in pairs if key == "Environment")
        start(shlex.split(facts["ExecStart"]), facts["WorkingDirectory"][1:], me + ".log", variables)
    if verb == "show":
        return 0, f"LoadState=loaded\\nActiveState=active\\nMainPID={pid() or 0}\\nResult=success"
    return 0, ""

code, text = globals()[os.path.basename(me)](*words)
print(text)
sys.exit(code)
"""


class Tool:
    """A program *name* in *folder* that notes its calls; `answers` by the first word, in turn, the last for ever."""

    def __init__(self, folder: Path, name: str, script: str = REPLAY, **answers: list[tuple[int, str]]) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / name
        self.path.write_text(f"#!{sys.executable} -IS\n{script}")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        self.answer(**answers)

    def answer(self, **answers: list[tuple[int, str]]) -> None:
        """Set what it answers; underscores stand for hyphens."""
        values = {verb.replace("_", "-"): found for verb, found in answers.items()}
        self.path.with_name(self.path.name + ".json").write_text(json.dumps(values))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call so far."""
        path = self.path.with_name(self.path.name + ".calls")
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    @property
    def verbs(self) -> list[str]:
        """The first word of every call so far."""
        return [next((w for w in call if not w.startswith("-")), "") for call in self.calls]
