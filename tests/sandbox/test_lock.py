"""What a locked process can still do: read its file, and nothing else. Each attack is really carried out."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from dropscribe.doctor import sandbox as doctor
from dropscribe.doctor.values import State
from dropscribe.sandbox import fonts, landlock, syscalls
from support import locked_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a sandbox of Linux")


@pytest.fixture
def whole() -> None:
    """Skip where this kernel, or the container around it, lacks a part of the sandbox."""
    try:
        landlock.version()
    except OSError as error:
        pytest.skip(str(error))
    if syscalls.table() is None:
        pytest.skip("the system calls of this machine are not known")


def test_nothing_that_an_attack_tries_succeeds_and_the_file_can_be_read(tmp_path: Path, whole: None) -> None:
    done = locked_child.attack(tmp_path)

    assert json.loads(done.stdout) == {"lacking": [], "succeeded": [], "document": "%PDF-1.4"}, done.stderr
    assert os.listdir(tmp_path) == ["document"]


@pytest.mark.parametrize("name", locked_child.DEADLY)
def test_what_only_an_attack_does_ends_the_process(tmp_path: Path, whole: None, name: str) -> None:
    assert locked_child.attack(tmp_path, name).returncode == -signal.SIGSYS


@pytest.mark.parametrize(
    ("without", "said", "able"),
    [
        ((locked_child.LANDLOCK,), "Landlock: ", {"read a file", "list a folder"}),
        ((locked_child.SECCOMP,), "seccomp: ", {"start a process"}),
        ((locked_child.LANDLOCK, locked_child.SECCOMP), "Landlock: ", {"write a file", "reach the network"}),
    ],
)
def test_a_system_that_lacks_a_part_gets_the_others_and_the_limits_and_it_is_said(
    tmp_path: Path, whole: None, without: tuple[int, ...], said: str, able: set[str]
) -> None:
    found = json.loads(locked_child.attack(tmp_path, without=without).stdout)
    check = doctor.judged(found["lacking"], found["succeeded"])

    assert len(found["lacking"]) == len(without) and found["lacking"][0].startswith(said)
    assert able <= set(found["succeeded"])
    assert not {"raise a limit", "more address space", "a long file"} & set(found["succeeded"])
    assert check.state is State.WARNING and said in check.detail and sorted(able)[0] in check.detail


def test_doctor_says_that_it_holds_or_is_off(whole: None) -> None:
    assert [check.state for check in doctor.held("auto")] == [State.OK]
    assert [check.state for check in doctor.held("off")] == [State.WARNING]


HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), r"#define __NR_(\w+)\s+(\d+)"),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"), r"#define __NR(?:3264)?_(\w+)\s+(\d+)"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_of_system_calls_are_those_of_the_kernels_headers(machine: str) -> None:
    path, form = HEADERS[machine]
    if not path.exists():
        pytest.skip("no headers of the kernel here: apt-get install linux-libc-dev")
    known = {name: int(number) for name, number in re.findall(form, path.read_text())}
    known.setdefault("newfstatat", known.get("fstatat", -1))
    column = 1 if machine == "x86_64" else 2
    ours = {str(r[0]): r[column] for r in (*syscalls.ALLOWED, *syscalls.JUDGED, *syscalls.DEADLY)}

    assert {name: known.get(name) for name in ours} == ours


def test_folders_of_fonts_are_those_that_links_lead_to_as_well(tmp_path: Path) -> None:
    for folder in ("fonts/sub", "elsewhere/deep", "single"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "single/one.ttf").touch()
    (tmp_path / "fonts/sub/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "fonts/two.ttf").symlink_to("../single/one.ttf")
    (tmp_path / "fonts/gone.ttf").symlink_to("nowhere")
    root = str(tmp_path / "fonts")

    assert fonts.beneath((root, "/not/there")) == tuple(
        sorted((root, *(str(tmp_path / n) for n in ("elsewhere", "single"))))
    )
