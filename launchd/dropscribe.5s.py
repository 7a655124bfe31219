#!/usr/bin/env python3
# <xbar.title>Dropscribe</xbar.title>
# <xbar.desc>The state of Dropscribe, its last texts, pause and unload.</xbar.desc>
# <swiftbar.hideAbout>true</swiftbar.hideAbout>
"""The menu of SwiftBar (or xbar) over `dropscribe status --json`; the name says that it is drawn every 5 seconds.

Runs with the Python of Apple's command line tools (3.9) and needs nothing beside it. It changes nothing by itself.
"""

import json
import os
import shutil
import subprocess
import sys

PLACES = ("~/.local/bin", "/opt/homebrew/bin", "/usr/local/bin", "~/.dropscribe/bin")
SIGNS = {"cold": "○", "loading": "◔", "warm": "◉", "busy": "●", "unloading": "◔", "blocked": "◌"}
TEXTS = 5  # last texts that are shown


def command():
    """Return the path of dropscribe, or None: a menu bar program has not the search path of a shell."""
    path = os.pathsep.join([*map(os.path.expanduser, PLACES), os.environ.get("PATH", "")])
    return shutil.which("dropscribe", path=path)


def asked(*words):
    """Return what a command prints; empty when it fails."""
    done = subprocess.run([*words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10, check=False)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def shown(text):
    """Return a text for the menu, in which a bar begins the parameters."""
    return " ".join(str(text).replace("|", "¦").split())[:80]


def action(label, program, *words):
    """Return a menu line that runs a program without a terminal and refreshes the menu."""
    quoted = " ".join('param{}="{}"'.format(number, word.replace('"', "")) for number, word in enumerate(words, 1))
    return '{} | bash="{}" {} terminal=false refresh=true'.format(shown(label), program, quoted)


def outbox_of(program):
    """Return the outbox, which `check` prints and `status` does not."""
    for line in asked(program, "check").splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "outbox":
            return value.split("  # default")[0].strip("'\"")
    return ""


def menu(program, status):
    """Yield the lines: what is seen in the bar, then what drops down."""
    model, queue = status["model"], status["queue"]
    waiting = sum(queue[key] or 0 for key in ("settling", "queued", "running"))
    sign = "‖" if queue["paused"] else SIGNS.get(model["state"], "○")
    yield (sign if status["daemon"]["running"] else "✕") + (" {}".format(waiting) if waiting else "")
    yield "---"
    if not status["daemon"]["running"]:
        yield "Dropscribe is not running"
        yield action("Start it at every login", program, "install")
        return
    yield shown(model_line(model))
    yield shown("{} waiting, {} done, {} failed".format(waiting, queue["done"] or 0, queue["failed"] or 0))
    if queue["paused"]:
        yield shown("paused: {}".format(queue["paused_reason"])) + " | color=red"
    yield "---"
    yield from texts(program, status["recent"])
    yield "---"
    by_command = queue["paused_reason"] == "paused by command"
    yield action("Resume", program, "resume") if by_command else action("Pause", program, "pause")
    if model["pid"] is not None:
        yield action("Unload the model now", program, "unload")
    if queue["failed"]:
        yield action("Retry what failed", program, "retry", "--all")


def model_line(model):
    """Return what the model does and when it leaves."""
    parts = ["Model: {}".format(model["state"])]
    if model["footprint_bytes"]:
        parts.append("{:.0f} MB".format(model["footprint_bytes"] / 1e6))
    if model["unload_in_seconds"] is not None:
        minutes, seconds = divmod(int(model["unload_in_seconds"]), 60)
        parts.append("unloads in {}:{:02d}".format(minutes, seconds))
    return ", ".join(parts) + (": {}".format(model["blocked_reason"]) if model["blocked_reason"] else "")


def texts(program, recent):
    """Yield a line for each of the last files: a click opens its text, or the folder that a failed one is in."""
    outbox = outbox_of(program) if recent else ""
    for item in recent[:TEXTS]:
        if item["outputs"]:
            yield action(item["name"], "/usr/bin/open", os.path.join(outbox, item["outputs"][0]))
        elif item["state"] == "failed" and item["original"]:
            label = "{}: {}".format(item["name"], item["reason"])
            yield action(label, "/usr/bin/open", "-R", item["original"]) + " color=red"


def main():
    """Print the menu; a daemon that cannot be asked is said and is no error."""
    program = command()
    if program is None:
        print("✕\n---\ndropscribe was not found in: {}".format(", ".join(PLACES)))
        return
    try:
        status = json.loads(asked(program, "status", "--json"))
    except (ValueError, subprocess.TimeoutExpired):
        print("✕\n---\ndropscribe status does not answer; dropscribe doctor says why")
        return
    print("\n".join(menu(program, status)))


if __name__ == "__main__":
    sys.exit(main())
