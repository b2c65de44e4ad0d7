"""A process tree's use of resources, read from /proc."""

import os
import subprocess
import sys

from everbloom.capture.resources import ResourceMeter


def write_process(proc, pid, *, children=(), ticks=0, threads=1, pages=10, state="S", read=0, written=0):
    folder = proc / str(pid)
    (folder / "task" / str(pid)).mkdir(parents=True, exist_ok=True)
    (folder / "task" / str(pid) / "children").write_text(" ".join(map(str, children)))
    fields = [state, *["0"] * 10, str(ticks), "0", "0", "0", "0", "0", str(threads), "0", "0", "0", str(pages), "0"]
    (folder / "stat").write_text(f"{pid} (a (strange) name) {' '.join(fields)}\n")
    (folder / "io").write_text(f"rchar: 9\nwchar: 9\nread_bytes: {read}\nwrite_bytes: {written}\n")


def test_a_tree_is_summed_over_all_descendants(tmp_path):
    write_process(tmp_path, 1, children=[2], threads=3, pages=10)
    write_process(tmp_path, 2, children=[3], pages=5)
    write_process(tmp_path, 3, pages=1)
    values = ResourceMeter(1, proc=tmp_path).read(0.0)
    assert values["system/processes"] == 3
    assert values["system/threads"] == 5
    assert values["system/memory.bytes"] == 16 * os.sysconf("SC_PAGE_SIZE")


def test_processor_use_is_since_the_reading_before(tmp_path):
    meter = ResourceMeter(1, proc=tmp_path)
    write_process(tmp_path, 1, ticks=100)
    assert "system/cpu.percent" not in meter.read(10.0)
    write_process(tmp_path, 1, ticks=100 + 3 * os.sysconf("SC_CLK_TCK"))
    assert meter.read(12.0)["system/cpu.percent"] == 150.0


def test_totals_count_from_the_first_reading_and_never_fall(tmp_path):
    meter = ResourceMeter(1, proc=tmp_path)
    write_process(tmp_path, 1, children=[2], read=1000, written=50)
    write_process(tmp_path, 2, read=500)
    assert meter.read(1.0)["system/disk.read.bytes"] == 0
    write_process(tmp_path, 1, children=[2], read=1600, written=80)
    assert meter.read(2.0)["system/disk.read.bytes"] == 600
    write_process(tmp_path, 1, read=1600, written=90)  # the child is gone, and not yet counted in its parent
    assert meter.read(3.0)["system/disk.read.bytes"] == 600
    assert meter.read(3.0)["system/disk.write.bytes"] == 40


def test_network_totals_leave_loopback_out(tmp_path):
    write_process(tmp_path, 1)
    (tmp_path / "1" / "net").mkdir()
    head = "Inter-| Receive\n face |bytes\n"
    line = "{}: {} 0 0 0 0 0 0 0 {} 0 0 0 0 0 0 0\n"
    device = tmp_path / "1" / "net" / "dev"
    meter = ResourceMeter(1, proc=tmp_path)
    device.write_text(head + line.format("lo", 5, 5) + line.format("eth0", 100, 10))
    meter.read(1.0)
    device.write_text(head + line.format("lo", 999, 999) + line.format("eth0", 130, 15))
    values = meter.read(2.0)
    assert values["system/network.received.bytes"] == 30
    assert values["system/network.sent.bytes"] == 5


def test_zombies_use_nothing_and_a_process_that_is_gone_gives_nothing(tmp_path):
    write_process(tmp_path, 1, state="Z")
    assert ResourceMeter(1, proc=tmp_path).read(0.0) == {}
    assert ResourceMeter(99, proc=tmp_path).read(0.0) == {}


def test_a_real_child_is_seen():
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdout.readline()
    values = ResourceMeter(os.getpid()).read(0.0)
    assert values["system/processes"] >= 2
    assert values["system/memory.bytes"] > 5_000_000
    child.communicate(b"\n")
