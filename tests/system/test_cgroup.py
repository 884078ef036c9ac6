"""Limits of containers, on made-up trees of control groups."""

from __future__ import annotations

import math

import psutil
import pytest

from geoseg.system import resources
from geoseg.system.cgroup import cpu_quota, memory_left

GB = 10**9


@pytest.fixture
def tree(tmp_path):
    """Write control group files; returns the arguments of the functions under test."""

    def make(groups: str, files: dict[str, object]):
        (tmp_path / "cgroup").write_text(groups)
        root = tmp_path / "fs"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")
        return root, tmp_path / "cgroup"

    return make


def test_version_2(tree):
    where = tree(
        "0::/job/step\n",
        {
            "job/step/memory.max": 4 * GB, "job/step/memory.current": GB, "job/step/memory.stat": "anon 5\nfile 7",
            "job/step/cpu.max": "150000 100000",
        },
    )  # fmt: skip
    assert memory_left(*where) == 3 * GB
    assert cpu_quota(*where) == 1.5


def test_version_2_parents_count(tree):
    files = {
        "a/memory.max": 4 * GB, "a/memory.current": 3 * GB, "a/cpu.max": "400000 100000",
        "a/b/memory.max": "max", "a/b/memory.current": GB, "a/b/cpu.max": "max 100000",
        "a/b/c/memory.max": 3 * GB, "a/b/c/memory.current": GB, "a/b/c/cpu.max": "300000 50000",
    }  # fmt: skip
    where = tree("0::/a/b/c\n", files)
    assert memory_left(*where) == GB
    assert cpu_quota(*where) == 4


def test_page_cache_that_can_be_dropped_is_free(tree):
    files = {"memory.max": 4 * GB, "memory.current": 3 * GB, "memory.stat": f"file 1\ninactive_file {2 * GB}\nslab 3"}
    assert memory_left(*tree("0::/\n", files)) == 3 * GB


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpuacct,cpu", "cpu"])
def test_version_1(tree, mount):
    files = {
        "memory/box/memory.limit_in_bytes": 2 * GB, "memory/box/memory.usage_in_bytes": GB,
        "memory/box/memory.stat": f"inactive_file 9\ntotal_inactive_file {GB // 2}",
        "memory/memory.limit_in_bytes": 2**63 - 4096, "memory/memory.usage_in_bytes": 50 * GB,
        f"{mount}/box/cpu.cfs_quota_us": 50_000, f"{mount}/box/cpu.cfs_period_us": 100_000,
        f"{mount}/cpu.cfs_quota_us": -1, f"{mount}/cpu.cfs_period_us": 100_000,
    }  # fmt: skip
    where = tree("4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/box\n0::/\n", files)
    assert memory_left(*where) == 1.5 * GB
    assert cpu_quota(*where) == 0.5


def test_inside_a_container_that_shows_the_hosts_path(tree):
    """The mount is the container's own group, whose path on the host is not there."""
    files = {"memory/memory.limit_in_bytes": GB, "memory/memory.usage_in_bytes": 0, "memory.max": 2 * GB}
    assert memory_left(*tree("4:memory:/docker/0123\n", files)) == GB
    assert memory_left(*tree("0::/../../docker/0123\n", files)) == 2 * GB


def test_more_used_than_allowed_leaves_nothing(tree):
    assert memory_left(*tree("0::/\n", {"memory.max": GB, "memory.current": 2 * GB})) == 0


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"memory.max": "max", "cpu.max": "max 100000"},
        {"memory.max": "", "cpu.max": ""},
        {"memory.max": "lots", "cpu.max": "100000"},
        {"memory.max/folder": 1, "cpu.max/folder": 1},
    ],
)
@pytest.mark.parametrize("groups", ["0::/\n", "", "nonsense", "4:memory:\n3:cpu:/\n0::/a/b\n"])
def test_nothing_known_is_no_limit(tree, groups, files):
    where = tree(groups, files)
    assert memory_left(*where) is None
    assert cpu_quota(*where) is None


def test_no_control_groups_at_all(tmp_path):
    assert memory_left(tmp_path / "none", tmp_path / "none") is None
    assert cpu_quota(tmp_path / "none", tmp_path / "none") is None


def test_unreadable_files(tree):
    root, groups = tree("0::/a\n", {"a/memory.max": GB, "memory.max": 2 * GB, "memory.current": 0})
    (root / "a/memory.max").write_bytes(b"\xff\xfe")
    assert memory_left(root, groups) == 2 * GB


def test_this_process_counts_its_limits(monkeypatch):
    free = psutil.virtual_memory().available
    monkeypatch.setattr(resources, "memory_left", lambda: None)
    assert resources.available_memory() == pytest.approx(free, rel=0.2)
    monkeypatch.setattr(resources, "memory_left", lambda: 123)
    assert resources.available_memory() == 123
    monkeypatch.setattr(resources, "cpu_quota", lambda: None)
    cores = resources.cpu_count()
    for quota in (0.2, 0.9, 1.0, 1.2, 1000.0):
        monkeypatch.setattr(resources, "cpu_quota", lambda quota=quota: quota)
        assert resources.cpu_count() == max(min(cores, math.ceil(quota)), 1)


def test_a_plan_fits_its_container(monkeypatch):
    from geoseg.segment.plan import Options

    monkeypatch.setattr(resources, "memory_left", lambda: 4 * GB)
    assert Options().budget <= 2 * GB
