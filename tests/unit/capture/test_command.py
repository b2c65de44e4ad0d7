"""How a process was started, as text that any record can hold."""

import subprocess
import sys

import msgspec

from everbloom.capture.command import read_command
from everbloom.core.records import Command

PRINT = (
    "import sys, msgspec; from everbloom.capture.command import read_command; "
    "sys.stdout.buffer.write(msgspec.msgpack.encode(read_command()))"
)


def command_of(*arguments, **options):
    out = subprocess.run([sys.executable, *arguments], capture_output=True, check=True, **options).stdout
    return msgspec.msgpack.decode(out, type=Command)


def test_arguments_and_folder_are_recorded(tmp_path):
    (tmp_path / "train.py").write_text(PRINT)
    command = command_of(str(tmp_path / "train.py"), "--lr", "0.1", cwd=tmp_path)
    assert command.argv == [str(tmp_path / "train.py"), "--lr", "0.1"]
    assert command.cwd == str(tmp_path)
    assert command.executable == sys.executable
    assert command.python == ".".join(map(str, sys.version_info[:3]))


def test_arguments_that_are_not_text_are_escaped():
    assert "\\udcff" in command_of("-c", PRINT, b"--name=\xff").argv[-1]


def test_very_long_command_lines_are_cut():
    command = command_of("-c", PRINT, "x" * 100_000, *["y" * 4_000] * 20)
    assert len(msgspec.msgpack.encode(command)) < 40_000
    assert command.argv[-1].endswith("more")


def test_a_deleted_working_directory_is_no_error(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); {PRINT}"
    assert command_of("-c", code, cwd=gone).cwd == ""


def test_this_process_can_be_described():
    assert read_command().platform.startswith("Linux")
