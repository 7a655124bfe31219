"""Where the control socket lies, that it stays there, and that its two ends are of one user."""

import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import dropscribe
from dropscribe.control import place
from dropscribe.control.client import NotRunning, ask
from dropscribe.control.server import Control
from dropscribe.core.errors import UsageError
from dropscribe.core.protocol import StatusRequest
from support.control_loop import Daemon, Echo, address

NOBODY = "65534"
LISTEN = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen()
print("ready", flush=True)
connection, _ = listener.accept()
print(connection.recv(100), flush=True)
"""
ASK = """
import os, sys
from dropscribe.control.client import NotRunning, exchange
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
try:
    print(exchange(sys.argv[1], {"command": "status"}))
except NotRunning as error:
    print(error.what)
"""
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def state() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # shorter than tmp_path: a socket's path is bounded
        yield folder


def answered(daemon: Daemon) -> bool:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, daemon.state, StatusRequest(), Echo)
        daemon.until(answer.done)
    return answer.result() == Echo(asked={"command": "status"})


def test_only_the_owner_may_connect(state: str) -> None:
    old = os.umask(0)
    try:
        daemon = Daemon(os.path.join(state, "new"))
    finally:
        os.umask(old)

    assert os.stat(address(daemon.state)).st_mode & 0o777 == 0o600
    assert os.stat(daemon.state).st_mode & 0o777 == 0o700
    daemon.close()


@pytest.mark.parametrize("name", ["x" * 120, "日" * 60])
def test_a_long_state_folder_works_all_the_same(tmp_path: Path, name: str) -> None:
    state = str(tmp_path / name)
    places = place.candidates(state)
    assert places and all(len(os.fsencode(path)) <= 103 for path in places)
    assert not set(places) & set(place.candidates(state + "2"))

    daemon = Daemon(state)
    path = address(state)
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert answered(daemon)
    daemon.close()
    assert not os.path.exists(path)


def test_the_bound_is_on_bytes_and_not_on_characters() -> None:
    assert place.candidates("/" + "x" * 86)[0] == "/" + "x" * 86 + "/control.sock"  # 100 bytes
    assert place.candidates("/" + "x" * 87)[0] != "/" + "x" * 87 + "/control.sock"
    assert place.candidates("/" + "ä" * 43 + "x")[0] != "/" + "ä" * 43 + "x" + "/control.sock"


def test_client_and_daemon_find_each_other_whatever_their_environments_say(tmp_path: Path) -> None:
    daemon = Daemon(str(tmp_path / ("x" * 120)))
    other = os.environ | {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    child = asking(daemon.state, other)
    daemon.until(lambda: child.poll() is not None)

    assert child.stdout is not None and "'command': 'status'" in child.stdout.read()
    child.stdout.close()
    daemon.close()


def asking(state: str, environment: dict[str, str], *user: str) -> "subprocess.Popen[str]":
    """Ask the daemon on *state* from another process."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK, state, *user], stdout=subprocess.PIPE, text=True,
        env=environment | {"PYTHONPATH": str(Path(dropscribe.__file__).parents[1])},
    )  # fmt: skip


def test_a_place_prepared_by_somebody_else_is_passed_over(tmp_path: Path) -> None:
    state = str(tmp_path / ("x" * 120))
    *_, last = place.candidates(state)
    folder = os.path.dirname(last)
    aside = tmp_path / "aside"
    if os.path.lexists(folder):
        os.rename(folder, aside)
    (tmp_path / "theirs").mkdir()
    os.symlink(tmp_path / "theirs", folder)
    try:
        with selectors.DefaultSelector() as selector:
            if len(place.candidates(state)) == 1:
                with pytest.raises(UsageError):
                    Control(state, selector)
            else:
                Control(state, selector).close()
    finally:
        os.unlink(folder)
        if aside.exists():
            os.rename(aside, folder)

    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.parametrize("taken", [os.unlink, lambda path: (os.unlink(path), Path(path).write_text(""))])
def test_a_socket_that_a_cleaner_took_is_made_anew(state: str, taken: Callable[[str], object]) -> None:
    daemon = Daemon(state)
    taken(address(state))
    daemon.turn()

    assert answered(daemon) and daemon.clients() <= 1
    daemon.close()
    assert not os.path.exists(place.candidates(state)[0])


def test_a_folder_that_takes_no_socket_is_no_reason_not_to_start(state: str) -> None:
    """As on exFAT and in shared folders of containers; here a folder lies in the way."""
    Path(place.candidates(state)[0]).mkdir()
    daemon = Daemon(state)

    assert daemon.control is not None and answered(daemon)
    daemon.close()


@as_root
def test_an_impostor_in_the_daemons_place_is_told_nothing(state: str) -> None:
    os.chmod(state, 0o711)
    (Path(state) / "open").mkdir()
    os.chmod(Path(state) / "open", 0o777)
    os.symlink("open/theirs", place.candidates(state)[0])
    command = [sys.executable, "-c", LISTEN, str(Path(state) / "open" / "theirs"), NOBODY]
    impostor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert impostor.stdout is not None and impostor.stdout.readline() == "ready\n"
    with pytest.raises(NotRunning, match=f"user {NOBODY}"):
        ask(state, StatusRequest(), Echo)

    assert impostor.stdout.readline() == "b''\n"
    impostor.stdout.close()
    impostor.wait()


@as_root
def test_another_user_is_not_served_even_where_the_socket_lies_open(state: str) -> None:
    daemon = Daemon(state)
    os.chmod(state, 0o711)
    os.chmod(address(state), 0o666)
    child = asking(state, dict(os.environ), NOBODY)
    daemon.until(lambda: child.poll() is not None)

    assert child.stdout is not None and "'command'" not in child.stdout.read()
    assert daemon.asked == []
    child.stdout.close()
    daemon.close()
