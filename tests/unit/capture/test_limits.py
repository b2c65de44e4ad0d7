"""Limits come from control groups of both versions, and the tightest counts."""

import os

from everbloom.capture.limits import find_group, read_limits


def fake_proc(tmp_path, lines):
    folder = tmp_path / "proc" / str(os.getpid())
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(lines)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:       64000000 kB\nMemFree: 1 kB\n")
    return tmp_path / "proc"


def test_version_2_limits_are_read_up_the_tree(tmp_path):
    mount = tmp_path / "cgroup"
    job = mount / "user" / "job"
    job.mkdir(parents=True)
    (mount / "cgroup.controllers").write_text("cpu memory\n")
    (job / "memory.max").write_text("max\n")
    (job.parent / "memory.max").write_text("8000000000\n")
    (job / "cpu.max").write_text("50000 100000\n")
    proc = fake_proc(tmp_path, "0::/user/job\n")
    limits = read_limits(os.getpid(), mount=mount, proc=proc)
    assert limits == {"system/cpu.percent": 50.0, "system/memory.bytes": 8e9}


def test_version_1_limits_are_read_from_each_controller(tmp_path):
    mount = tmp_path / "cgroup"
    (mount / "memory" / "job").mkdir(parents=True)
    (mount / "cpu" / "job").mkdir(parents=True)
    (mount / "memory" / "job" / "memory.limit_in_bytes").write_text("4000000000\n")
    (mount / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (mount / "cpu" / "job" / "cpu.cfs_quota_us").write_text("25000\n")
    (mount / "cpu" / "job" / "cpu.cfs_period_us").write_text("100000\n")
    proc = fake_proc(tmp_path, "5:memory:/job\n4:cpu,cpuacct:/job\n")
    limits = read_limits(os.getpid(), mount=mount, proc=proc)
    assert limits == {"system/cpu.percent": 25.0, "system/memory.bytes": 4e9}


def test_without_a_group_the_machine_is_the_limit(tmp_path):
    proc = fake_proc(tmp_path, "")
    limits = read_limits(os.getpid(), mount=tmp_path / "none", proc=proc)
    assert limits["system/memory.bytes"] <= 64_000_000 * 1024
    assert limits["system/cpu.percent"] == 100.0 * len(os.sched_getaffinity(0))


def test_in_a_container_whose_path_is_the_hosts_the_mount_itself_counts(tmp_path):
    mount = tmp_path / "cgroup"
    mount.mkdir()
    (mount / "cgroup.controllers").write_text("memory\n")
    proc = fake_proc(tmp_path, "0::/docker/abcdef\n")
    assert find_group(os.getpid(), "memory", mount=mount, proc=proc) == mount


def test_the_limits_of_this_very_process_can_be_read():
    limits = read_limits(os.getpid())
    assert limits["system/memory.bytes"] > 0
    assert limits["system/cpu.percent"] > 0
