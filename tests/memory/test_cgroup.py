"""Promises of the search for control groups: which limits hold for this process, in recorded trees."""

from pathlib import Path

import pytest

from dropscribe.memory import cgroup
from dropscribe.memory.cgroup import Group

TOTAL = 16 * 10**9
UNLIMITED_V1 = 9223372036854771712
V2_MOUNT = "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNT = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
OTHERS = (
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "60 31 0:50 / /mnt rw - tmpfs  rw\n"  # a source may be empty
)


class Tree:
    """A recorded root of a file system."""

    def __init__(self, root: Path, memberships: str, mounts: str) -> None:
        self.root = root
        self.write("proc/self/cgroup", memberships)
        self.write("proc/self/mountinfo", OTHERS + mounts)

    def write(self, name: str, text: object) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def v2(self, folder: str, current: int, most: object = "max", high: object = "max", inactive: int = 0) -> None:
        values = {"max": most, "high": high, "current": current, "stat": f"anon 5\ninactive_file {inactive}\nslab 1"}
        for name, value in values.items():
            self.write(f"{folder}/memory.{name}", value)

    def v1(self, folder: str, usage: int, limit: int = UNLIMITED_V1, inactive: int = 0) -> None:
        stat = f"inactive_file 1\ntotal_inactive_file {inactive}"
        for name, value in {"limit_in_bytes": limit, "usage_in_bytes": usage, "stat": stat}.items():
            self.write(f"{folder}/memory.{name}", value)

    def found(self) -> list[tuple[str, int, int]]:
        """Return (folder below the root, limit, used) of each limited group."""
        groups = cgroup.limited(TOTAL, str(self.root))
        return [(str(Path(g.folder).relative_to(self.root)), g.limit_bytes, g.used_bytes) for g in groups]


def test_v2_limits_of_the_own_group_and_of_those_around_it_hold(tmp_path: Path):
    tree = Tree(tmp_path, "0::/user.slice/app.scope\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup/user.slice/app.scope", 400, most=1000)
    tree.v2("sys/fs/cgroup/user.slice", 900, most=5000)

    assert tree.found() == [
        ("sys/fs/cgroup/user.slice/app.scope", 1000, 400),
        ("sys/fs/cgroup/user.slice", 5000, 900),
    ]


def test_v2_the_lower_of_max_and_high_counts_and_cache_that_can_go_is_not_used(tmp_path: Path):
    tree = Tree(tmp_path, "0::/a\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup/a", 700, most=1000, high=800, inactive=100)

    assert tree.found() == [("sys/fs/cgroup/a", 800, 600)]


def test_v2_a_group_without_limits_does_not_count(tmp_path: Path):
    tree = Tree(tmp_path, "0::/a\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup/a", 700)

    assert tree.found() == []


def test_a_limit_above_the_machines_memory_does_not_count(tmp_path: Path):
    tree = Tree(tmp_path, "0::/a\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup/a", 700, most=TOTAL)

    assert tree.found() == []


def test_v2_inside_a_container_the_mount_itself_is_the_group(tmp_path: Path):
    tree = Tree(tmp_path, "0::/\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup", 700, most=1000)

    assert tree.found() == [("sys/fs/cgroup", 1000, 700)]


def test_v2_a_path_outside_the_own_namespace_is_not_followed(tmp_path: Path):
    tree = Tree(tmp_path, "0::/../../other\n", V2_MOUNT)
    tree.v2("sys/fs/cgroup", 700, most=1000)

    assert tree.found() == [("sys/fs/cgroup", 1000, 700)]


def test_v1_limits_hold_with_the_cache_of_the_whole_subtree_taken_off(tmp_path: Path):
    tree = Tree(tmp_path, "5:cpu:/x\n4:memory:/box/7\n0::/\n", V1_MOUNT)
    tree.v1("sys/fs/cgroup/memory/box/7", 900, limit=1000, inactive=300)
    tree.v1("sys/fs/cgroup/memory/box", 2000)
    tree.v1("sys/fs/cgroup/memory", 3000)

    assert tree.found() == [("sys/fs/cgroup/memory/box/7", 1000, 600)]


def test_v1_in_a_container_the_mount_begins_at_the_own_group(tmp_path: Path):
    tree = Tree(tmp_path, "4:memory:/docker/abc\n", V1_MOUNT.replace(" / /sys", " /docker/abc /sys"))
    tree.v1("sys/fs/cgroup/memory", 900, limit=1000)

    assert tree.found() == [("sys/fs/cgroup/memory", 1000, 900)]


def test_a_mount_point_with_a_blank_is_found(tmp_path: Path):
    tree = Tree(tmp_path, "0::/\n", V2_MOUNT.replace("/sys/fs/cgroup", "/my\\040groups"))
    tree.v2("my groups", 1, most=10)

    assert tree.found() == [("my groups", 10, 1)]


def test_a_machine_without_control_groups_has_no_limits(tmp_path: Path):
    assert cgroup.limited(TOTAL, str(tmp_path)) == []


@pytest.mark.parametrize(
    ("used", "level"),
    [(0, "unknown"), (900, "unknown"), (901, "warn"), (950, "warn"), (951, "critical"), (1500, "critical")],
)
def test_room_becomes_a_level_only_when_it_is_short(used: int, level: str):
    assert cgroup.grade_room(Group("g", 1000, used)) == level


def test_a_limit_of_zero_is_critical():
    assert cgroup.grade_room(Group("g", 0, 0)) == "critical"
