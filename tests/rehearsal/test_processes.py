"""Promises where macOS gives another answer than Linux to the same question: a full backlog, a group of zombies."""

import json
import subprocess
import sys

from rehearsal.machine import Mac

BUSY = """\
import json, socket, sys, threading
from dropscribe.control import client, lock, place
state = sys.argv[1]
held = lock.StateLock(state) if sys.argv[2] == "daemon" else None
server = socket.socket(socket.AF_UNIX)
server.bind(place.candidates(state)[0])
server.listen(0)
waiting = []
while True:  # fill the backlog
    waiting.append(socket.socket(socket.AF_UNIX))
    waiting[-1].settimeout(0)
    try:
        waiting[-1].connect(place.candidates(state)[0])
    except ConnectionRefusedError:
        break
def serve():
    for _ in waiting:
        end, _ = server.accept()
        threading.Thread(target=lambda: (end.recv(99), end.sendall(b'{"ok": true}\\n')), daemon=True).start()
later = threading.Timer(0.3, serve)
later.daemon = True
later.start()
try:
    print(json.dumps(client.exchange(state, {})))
except client.NotRunning as error:
    print("not running")
"""


def ask(mac: Mac, who: str) -> str:
    """Ask a listener whose backlog is full, with or without a daemon that holds the lock."""
    state = mac.root / who
    state.mkdir()
    command = [sys.executable, "-c", BUSY, str(state), who]
    done = subprocess.run(command, env=mac.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_refused_connection_is_a_busy_daemon_where_one_lives_and_none_elsewhere(mac: Mac) -> None:
    assert json.loads(ask(mac, "daemon")) == {"ok": True}
    assert ask(mac, "nobody") == "not running"


ZOMBIES = """\
import json, os, subprocess, sys
import psutil
from dropscribe.host import process
state = sys.argv[1]
worker = subprocess.Popen([sys.executable, "-c", ""], process_group=0)
os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
record = {"pid": worker.pid, "started": psutil.Process(worker.pid).create_time(), "booted": psutil.boot_time()}
with open(os.path.join(state, process.RECORD), "w") as file:
    json.dump(record, file)
print(process.end_leftover(state), os.listdir(state))
"""


def test_a_leftover_worker_that_is_only_a_zombie_is_none(mac: Mac) -> None:
    state = mac.root / "state"
    state.mkdir()
    command = [sys.executable, "-c", ZOMBIES, str(state)]

    done = subprocess.run(command, env=mac.environment(), capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "None []"), done.stderr
