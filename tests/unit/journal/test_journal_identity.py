"""Who is who on a machine, and which journals it knows of."""

import os
import subprocess
import sys

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import WriterId, new_run_id, new_writer_id
from everbloom.journal.identity import boot_id, host_id, is_process_alive, process_start, user_name
from everbloom.journal.registry import iter_active, iter_journals, register_writer, unregister_writer
from everbloom.journal.segment import can_map, file_system_of
from everbloom.journal.writer import segment_size


def is_alive(pid: int, **changes: int) -> bool | None:
    known = {"start": process_start(pid), "host": host_id(), "boot": boot_id()} | changes
    return is_process_alive(pid, **known)


def test_this_process_is_alive():
    assert process_start(os.getpid()) > 0
    assert is_alive(os.getpid()) is True


def test_a_pid_that_was_given_to_another_process_is_not_the_same_process():
    assert is_alive(os.getpid(), start=process_start(os.getpid()) - 1) is False


def test_a_process_of_another_boot_is_dead():
    assert is_alive(os.getpid(), boot=boot_id() ^ 1) is False


def test_another_hosts_process_is_unknown():
    assert is_alive(os.getpid(), host=host_id() ^ 1) is None
    assert is_alive(os.getpid(), boot=0) is None


def test_a_container_with_process_ids_of_its_own_is_another_host():
    program = "from everbloom.journal.identity import host_id; print(host_id())"
    apart = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", program]
    answer = subprocess.run(apart, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.xfail("making a namespace of process ids needs the right to")
    assert int(answer.stdout) != host_id()


def test_a_process_that_ended_is_dead_reaped_or_not():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = process_start(process.pid)
    assert is_alive(process.pid) is True
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, still a zombie
    assert is_alive(process.pid, start=start) is False
    process.wait()
    assert is_alive(process.pid, start=start) is False


def test_the_user_has_a_name():
    assert user_name()


def test_a_registered_journal_is_listed_until_it_is_taken_off(tmp_path):
    run, writer = new_run_id(now_us()), new_writer_id()
    assert list(iter_active(tmp_path)) == []
    register_writer(tmp_path, run, writer)
    register_writer(tmp_path, run, writer)
    (layout.active_dir(tmp_path) / "notes.txt").touch()
    assert list(iter_active(tmp_path)) == [(run, writer)]
    unregister_writer(tmp_path, run, writer)
    unregister_writer(tmp_path, run, writer)
    assert list(iter_active(tmp_path)) == []


def test_a_full_scan_finds_every_journal_in_order_and_nothing_else(tmp_path):
    pairs = sorted((new_run_id(now_us()), WriterId(f"{n:016x}")) for n in range(3))
    for run, writer in pairs:
        layout.journal_dir(tmp_path, run, writer).mkdir(parents=True)
    (tmp_path / "runs" / "lost+found").mkdir()
    (layout.run_dir(tmp_path, pairs[0][0]) / "journal" / "tmp").mkdir()
    layout.run_dir(tmp_path, new_run_id(now_us())).mkdir()
    assert list(iter_journals(tmp_path)) == pairs
    assert list(iter_journals(tmp_path / "nowhere")) == []


def test_a_file_system_is_known_by_its_longest_mount_point(tmp_path):
    assert file_system_of(tmp_path)
    assert file_system_of(tmp_path / "proc") != "proc"
    assert not can_map.__wrapped__(tmp_path / "x") or not file_system_of(tmp_path).startswith("nfs")


def test_segments_begin_small_and_grow_to_sixteen_megabytes():
    sizes = [segment_size(number) // 1024 for number in range(6)]
    assert sizes == [256, 4096, 8192, 16384, 16384, 16384]
