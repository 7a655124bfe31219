"""launchd and launchctl in small: what `dropscribe install` needs, with the traits that bite.

`bootout` returns before the process is gone and a `bootstrap` until then is refused (5); so is one of a service that is
switched off. A program that fails is started again, never sooner than ThrottleInterval after its last start (the file
`throttle` in $FAKE_MAC shortens it); one that ends with 0 stays down. Exit codes: 3, 5, 113, 125 as others report them.
"""

import json
import os
import plistlib
import signal
import subprocess
import sys
import time

FOLDER = os.environ["FAKE_MAC"]
KEPT = ("FAKE_MAC", "LD_PRELOAD", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def place(label):
    return os.path.join(FOLDER, f"launchd-{label}.json")


def read(path, otherwise):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return otherwise


def write(path, values):
    with open(path + ".new", "w") as file:
        json.dump(values, file)
    os.replace(path + ".new", path)


def disabled(label):
    return read(os.path.join(FOLDER, "launchd-disabled.json"), {}).get(label, False)


def switch(label, off):
    path = os.path.join(FOLDER, "launchd-disabled.json")
    write(path, read(path, {}) | {label: off})


def bootstrap(domain, path):
    if os.path.exists(os.path.join(FOLDER, "no-session")):
        return 125, "Bootstrap failed: 125: Domain does not support specified action"
    with open(path, "rb") as file:
        values = plistlib.load(file)
    label = values["Label"]
    if read(place(label), None) or disabled(label) or os.stat(path).st_mode & 0o022:
        return 5, "Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors."
    write(place(label), {"path": path, "program": values["ProgramArguments"][0], "pid": None, "runs": 0, "last": None})
    subprocess.Popen(
        [sys.executable, "-IS", __file__, "--serve", label, path],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return 0, ""


def bootout(target):
    found = read(place(target.split("/")[-1]), None)
    if not found:
        return 3, "Boot-out failed: 3: No such process"
    if found.get("server"):
        os.kill(found["server"], signal.SIGTERM)  # and does not wait, as the real one does not
    return 0, ""


def show(target):
    label = target.split("/")[-1]
    found = read(place(label), None)
    if not found:
        return 113, f'Bad request.\nCould not find service "{label}" in domain for user gui: 501'
    last = "(never exited)" if found["last"] is None else found["last"]
    pid = f"\tpid = {found['pid']}\n" if found["pid"] else ""
    return 0, (
        f"{target} = {{\n\tactive count = {int(bool(pid))}\n\tpath = {found['path']}\n\ttype = LaunchAgent\n"
        f"\tstate = {'running' if pid else 'not running'}\n\n\tprogram = {found['program']}\n"
        f"\tendpoints = {{\n\t\tstate = active\n\t}}\n\truns = {found['runs']}\n{pid}"
        f"\tlast exit code = {last}\n\n\tspawn type = interactive (4)\n}}"
    )


def listed():
    names = read(os.path.join(FOLDER, "launchd-disabled.json"), {})
    lines = [f'\t\t"{name}" => {"disabled" if off else "enabled"}' for name, off in names.items()]
    return "\n".join(["disabled services = {", *lines, "\t}"])


class Server:
    """launchd, for one service."""

    def __init__(self, label, path):
        self.label, self.child, self.leaving = label, None, False
        with open(path, "rb") as file:
            self.values = plistlib.load(file)
        self.state = read(place(label), {}) | {"server": os.getpid()}
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.leaving = True
        if self.child is not None:
            self.child.terminate()

    def save(self, **changes):
        self.state.update(changes)
        write(place(self.label), self.state)

    def serve(self):
        throttle = read(os.path.join(FOLDER, "throttle"), self.values["ThrottleInterval"])
        while not self.leaving:
            begun = time.monotonic()
            code = self.run()
            self.save(pid=None, last=code)
            if code == 0 and self.values["KeepAlive"] == {"SuccessfulExit": False}:
                break
            while not self.leaving and time.monotonic() < begun + throttle:
                time.sleep(0.05)
        while not self.leaving:
            time.sleep(0.05)
        os.unlink(place(self.label))

    def run(self):
        values = self.values
        try:
            output = os.open(values["StandardOutPath"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            account = {name: os.environ[name] for name in ("HOME", "TMPDIR", *KEPT) if name in os.environ}
            account |= {name: text for name, text in os.environ.items() if name.startswith("FAKE_MAC")}
            variables = account | values["EnvironmentVariables"] | {"FAKE_MAC_AGENT": "1"}
            variables["PATH"] = os.path.join(FOLDER, "bin") + ":" + variables["PATH"]
            self.child = subprocess.Popen(
                values["ProgramArguments"],
                cwd=values["WorkingDirectory"],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=int(values["Umask"], 8),
            )
        except OSError:
            self.save(runs=self.state["runs"] + 1)
            return 78  # EX_CONFIG
        self.save(pid=self.child.pid, runs=self.state["runs"] + 1)
        if self.leaving:
            self.child.terminate()
        code = self.wait(values["ExitTimeOut"])
        return code if code >= 0 else 128 - code

    def wait(self, grace):
        ends = None
        while self.child.poll() is None:
            if self.leaving:
                ends = ends or time.monotonic() + grace
                if time.monotonic() > ends:
                    self.child.kill()
            time.sleep(0.02)
        return self.child.returncode


def main(words):
    if words[0] == "--serve":
        Server(*words[1:]).serve()
        return 0, ""
    with open(os.path.join(FOLDER, "launchctl.log"), "a") as file:
        file.write(" ".join(words) + "\n")
    match words:
        case ["version"]:
            return 0, "Darwin Bootstrapper Version 7.0.0"
        case ["enable" | "disable" as verb, target]:
            switch(target.split("/")[-1], verb == "disable")
            return 0, ""
        case ["print-disabled", _]:
            return 0, listed()
        case ["print", target]:
            return show(target)
        case ["bootout", target]:
            return bootout(target)
        case ["bootstrap", domain, path]:
            return bootstrap(domain, path)
    return 64, "Unrecognized subcommand"


code, text = main(sys.argv[1:])
if text:
    print(text, file=sys.stderr if code else sys.stdout)
sys.exit(code)
