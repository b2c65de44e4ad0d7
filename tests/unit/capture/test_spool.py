"""A spool is copied on once, by whoever gets to it, and blocks nobody."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from everbloom.capture.console import wait_until_copied
from everbloom.capture.spool import Spool, create_spool, note_missed


@pytest.fixture
def printed(tmp_path):
    file = create_spool(tmp_path / "console" / "w.out")
    os.write(file, b"some text\n" * 1000)
    yield tmp_path / "console" / "w.out"
    os.close(file)


def test_everything_arrives_in_a_file(printed, tmp_path):
    target = os.open(tmp_path / "target", os.O_WRONLY | os.O_CREAT)
    spool = Spool(printed, target)
    assert not spool.is_copied()
    assert spool.copy() == 10_000
    assert spool.is_copied()
    assert (tmp_path / "target").read_bytes() == printed.read_bytes()
    spool.close()
    os.close(target)


def test_two_holders_copy_every_byte_once(printed, tmp_path):
    target = os.open(tmp_path / "target", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    first, second = Spool(printed, target), Spool(printed, target)
    while not first.is_copied():
        assert first.copy(3_000) + second.copy(3_000) > 0
    assert (tmp_path / "target").read_bytes() == printed.read_bytes()
    first.close()
    second.close()
    os.close(target)


def test_a_pipe_that_nobody_reads_is_not_waited_for(printed):
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    os.write(file, b"x" * 1_000_000)
    os.close(file)
    reader, writer = os.pipe()
    spool = Spool(printed, writer)
    while spool.copy():
        pass
    copied = spool.read_offsets().copied
    assert 0 < copied < spool.size
    assert not wait_until_copied(spool, patience_s=0.01)
    arrived = b""
    while not spool.is_copied():
        arrived += os.read(reader, 65_536)
        spool.copy()
    os.close(writer)
    while chunk := os.read(reader, 65_536):
        arrived += chunk
    assert arrived == printed.read_bytes()
    spool.close()
    os.close(reader)


def test_a_pipe_that_was_closed_swallows_the_rest(printed):
    reader, writer = os.pipe()
    os.close(reader)
    spool = Spool(printed, writer)
    assert wait_until_copied(spool)
    spool.close()
    os.close(writer)


def test_a_spool_without_target_counts_as_copied(printed):
    spool = Spool(printed, None)
    assert spool.is_copied()
    assert spool.copy() == 0
    spool.close()


def test_recorded_and_copied_are_kept_apart(printed, tmp_path):
    target = os.open(tmp_path / "target", os.O_WRONLY | os.O_CREAT)
    spool = Spool(printed, target)
    spool.set_recorded(70)
    spool.copy()
    assert spool.read_offsets() == (10_000, 70, 0, 0)
    spool.close()
    os.close(target)


def test_a_child_that_may_still_print_is_noticed(printed):
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=file)
    os.close(file)
    os.close(create_spool(printed.with_name("alone.out")))
    spool, alone = Spool(printed, None), Spool(printed.with_name("alone.out"), None)
    assert spool.has_other_users()
    assert not alone.has_other_users()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    spool.close()
    alone.close()


def test_a_recorded_spool_can_be_removed(printed):
    spool = Spool(printed, None)
    spool.close()
    spool.remove()
    assert list(printed.parent.iterdir()) == []


def test_offsets_do_not_change_while_somebody_else_copies(printed):
    spool, other = Spool(printed, None), os.open(f"{printed}.at", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert not spool.set_recorded(70)
    assert not spool.set_told(70)
    assert not note_missed(printed, 70)
    assert spool.read_offsets() == (0, 0, 0, 0)
    os.close(other)
    assert spool.set_recorded(70)
    assert spool.read_offsets().recorded == 70
    spool.close()


def test_what_has_arrived_and_is_not_recorded_is_given_up_and_counted(printed, tmp_path):
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    os.write(file, b"x" * 200_000)
    os.close(file)
    target = os.open(tmp_path / "target", os.O_WRONLY | os.O_CREAT)
    spool = Spool(printed, target)
    assert not spool.drop_copied()
    spool.set_recorded(10_000)
    while spool.copy():
        pass
    assert spool.drop_copied()
    assert not spool.drop_copied()
    assert note_missed(printed, 5)
    assert spool.read_offsets() == (210_000, 210_000, 200_005, 0)
    spool.close()
    os.close(target)


def test_a_spool_of_an_earlier_version_is_read(printed):
    printed.with_name("w.out.at").write_bytes((70).to_bytes(8, "little") + (60).to_bytes(8, "little"))
    spool = Spool(printed, None)
    assert spool.read_offsets() == (70, 60, 0, 0)
    spool.close()
