"""A full, read-only or vanished disk: told once, training goes on, recording resumes, nothing written is lost."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, Unavailable
from everbloom.core.ids import new_run_id
from everbloom.core.records import Note, Start
from everbloom.journal.reader import Position, read_batch
from everbloom.journal.registry import iter_active
from everbloom.journal.writer import JournalWriter
from everbloom.testing.journals import journal_of, open_journal, read_journal

pytestmark = pytest.mark.fault

BOTH = pytest.mark.parametrize("is_mapped", [True, False], ids=["mapped", "written"])

FILL = """
import resource, sys
from pathlib import Path
from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable
from everbloom.journal import writer as writing
from everbloom.testing.journals import journal_of, open_journal, read_journal

root, is_mapped, ballast = Path(sys.argv[1]), sys.argv[2] == "True", Path(sys.argv[1]) / "ballast"
ballast.write_bytes(bytes(300_000))
writer, recorded, refused, codes = open_journal(root, is_mapped=is_mapped), [], 0, set()
if sys.argv[3] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
value = {"x" * 1000: 1.0}
for step in range(3000):
    try:
        writer.append_row(step, None, value)
        recorded.append(step)
    except Unavailable as error:
        refused, codes = refused + 1, codes | {error.code}
full = read_journal(journal_of(root, writer))
assert codes == {"disk.full" if sys.argv[3] == "mount" else "process.file_limit"} and refused, (codes, refused)
assert [item[1] for item in full.items[1:]] == recorded and not full.damage
ballast.unlink()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
deadline = monotonic_s() + 30
while True:  # the disk is asked again at intervals
    step += 1
    assert monotonic_s() < deadline
    try:
        writer.append_row(step, None, {"after": 1.0})
        recorded.append(step)
        break
    except Unavailable:
        pass
writer.close()
reading = read_journal(journal_of(root, writer))
assert [item[1] for item in reading.items[1:]] == recorded
assert reading.damage == [] and reading.is_closed
print("done", len(recorded), refused)
"""


def run_on_small_disk(script: str, mount: Path, is_mapped: bool) -> str:
    """Run a script on a file system of one megabyte, in a mount namespace of its own.

    Where none may be made (a container without the right to mount), the script is told so by `limit`, and makes
    its files hit the process's file size limit instead, which the writer meets at the same places.
    """
    mount.mkdir()
    inner = f'mount -t tmpfs -o size=1M none "{mount}" && exec "$@"'
    own = ["unshare", "--mount", "--map-root-user", "sh", "-c", inner, "sh"]
    can_mount = subprocess.run([*own, "true"], capture_output=True, check=False).returncode == 0
    command = [*(own if can_mount else []), sys.executable, "-c", textwrap.dedent(script), str(mount), str(is_mapped)]
    command.append("mount" if can_mount else "limit")
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@BOTH
def test_a_full_disk_is_told_and_recording_resumes_when_there_is_space(tmp_path, is_mapped):
    assert run_on_small_disk(FILL, tmp_path / "disk", is_mapped).startswith("done")


PROMPT = """
import os, resource, sys
from pathlib import Path
from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable
from everbloom.journal.refusal import RETRY_S
from everbloom.testing.journals import journal_of, open_journal, read_journal

tried = []
sys.addaudithook(lambda name, what: tried.append(what[0]) if name == "open" and ".seg" in str(what[0]) else None)
root, ballast = Path(sys.argv[1]), Path(sys.argv[1]) / "ballast"
ballast.write_bytes(bytes(300_000))
writer, refused = open_journal(root, is_mapped=True), 0
if sys.argv[3] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
value = {"x" * 1000: 1.0}
before = len(tried)
for step in range(100_000):
    try:
        writer.append_row(step, None, value)
    except Unavailable:
        refused += 1
assert refused > 90_000
if sys.argv[3] == "mount":
    assert len(tried) - before <= 40, len(tried)  # smaller and smaller segments, until not one of 64 KiB fits
os.unlink(ballast)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
freed_s = monotonic_s()
while monotonic_s() < freed_s + RETRY_S:
    pass
writer.append_row(200_000, None, {"after": 1.0})
writer.close()
assert read_journal(journal_of(root, writer)).items[-1][1] == 200_000
print("kept", RETRY_S <= 0.1)
"""


def test_the_first_row_a_moment_after_there_is_space_is_kept_and_a_full_disk_is_hardly_asked(tmp_path):
    assert run_on_small_disk(PROMPT, tmp_path / "disk", True) == "kept True\n"


LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from everbloom.core.errors import Unavailable
from everbloom.testing.journals import journal_of, open_journal, read_journal

root = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
writer, recorded, codes = open_journal(root, is_mapped=False), 0, set()
for step in range(3000):
    try:
        writer.append_row(step, None, {"x" * 100: 1.0})
        recorded += 1
    except Unavailable as error:
        codes.add(error.code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.append_row(9999, None, {"after": 1.0})
writer.close()
reading = read_journal(journal_of(root, writer))
assert codes == {"process.file_limit"}
assert [item[1] for item in reading.items[1:]] == [*range(recorded), 9999]
assert reading.damage == [] and reading.is_closed
"""


def test_a_file_size_limit_in_the_middle_of_a_record_takes_the_part_back(tmp_path):
    answer = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_a_refused_segment_leaves_no_file_behind(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from everbloom.core.errors import Unavailable
from everbloom.testing.journals import open_journal
root = Path(sys.argv[1])
if sys.argv[3] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
else:
    (root / "ballast").write_bytes(bytes(1_000_000))
try:
    open_journal(root, is_mapped=True)
except Unavailable as error:
    assert error.code == ("disk.full" if sys.argv[3] == "mount" else "process.file_limit"), error
    print([path.name for path in root.rglob("*.seg")], list((root / "active").iterdir()))
"""
    assert run_on_small_disk(script, tmp_path / "disk", True) == "[] []\n"


def test_repeated_refusals_do_not_pile_up(tmp_path):
    writer = open_journal(tmp_path)
    shutil.rmtree(tmp_path / "runs")
    depths = []
    for step in range(3000):
        try:
            writer.append_row(step, None, {"x" * 1000: 1.0})
        except Unavailable as error:
            trace, depth = error.__traceback__, 0
            while trace is not None:
                trace, depth = trace.tb_next, depth + 1
            depths.append(depth)
    writer.close()
    assert len(depths) > 1000
    assert max(depths) < 12


def test_a_vanished_root_is_told_by_name(tmp_path):
    writer = open_journal(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    codes = set()
    for step in range(1000):
        try:
            writer.append_row(step, None, {"x" * 1000: 1.0})
        except Unavailable as error:
            codes.add(error.code)
    writer.close()
    assert codes == {"root.vanished"}


def test_a_root_that_is_a_file_is_told_by_name(tmp_path):
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(Unavailable, match="its path is a file") as raised:
        open_journal(tmp_path / "store")
    assert raised.value.code == "root.not_a_folder"


def test_a_place_that_takes_no_folder_is_told_by_name():
    with pytest.raises(Unavailable, match="takes no folder there; set EVERBLOOM_ROOT") as raised:
        open_journal(Path("/proc/everbloom"))
    assert raised.value.code == "root.not_a_folder"


def test_a_read_only_root_is_told_by_name(tmp_path):
    script = """
import subprocess, sys
from pathlib import Path
from everbloom.core.errors import Unavailable
from everbloom.testing.journals import open_journal
if sys.argv[3] == "limit":
    root = Path("/sys")  # where not even root may make a folder
else:
    root = Path(sys.argv[1])
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
try:
    open_journal(root)
except Unavailable as error:
    print(error.code)
"""
    assert run_on_small_disk(script, tmp_path / "disk", True) == "root.read_only\n"


def test_a_segment_left_by_an_interrupted_attempt_is_made_anew(tmp_path):
    writer = open_journal(tmp_path)
    (journal_of(tmp_path, writer) / "1.seg").write_bytes(bytes(4096))
    for step in range(400):
        writer.append_row(step, None, {"x" * 1000: 1.0})
    writer.close()
    reading = read_journal(journal_of(tmp_path, writer))
    assert [item[1] for item in reading.items[1:]] == list(range(400))
    assert reading.end.segment == 1
    assert reading.is_closed


@pytest.mark.parametrize("left", [b"", bytes(4096)], ids=["empty", "allocated"])
def test_a_segment_left_by_an_interrupted_attempt_does_not_keep_the_journal_open(tmp_path, left):
    writer = open_journal(tmp_path)
    writer.append_row(0, None, {"a": 1.0})
    journal = journal_of(tmp_path, writer)
    (journal / "1.seg").write_bytes(left)
    seen = read_batch(journal, Position(), now_us=now_us())
    writer.close()
    last = read_batch(journal, seen.end, now_us=now_us())
    assert (seen.is_closed, last.is_closed, last.damage) == (False, True, [])
    assert read_journal(journal).is_closed


def test_closing_seals_and_gives_back_the_space_of_a_full_segment(tmp_path):
    writer = open_journal(tmp_path)
    while True:
        writer.append(Note(text="x" * 65_400))
        if (journal_of(tmp_path, writer) / "1.seg").exists():
            break
    writer.close()
    reading = read_journal(journal_of(tmp_path, writer))
    assert reading.is_closed
    assert reading.damage == []


def test_no_step_and_no_time_is_written_that_a_reader_would_take_for_damage(tmp_path):
    writer = open_journal(tmp_path)
    for step in (2**63, -(2**63), 10**30):
        with pytest.raises(InvalidInput, match="does not fit into 64 bits"):
            writer.append_row(step, None, {"a": 1.0})
    for time in (0, -1, now_us() * 1000, 2**63, 2**64):
        with pytest.raises(InvalidInput, match="before 2000"):
            writer.append_row(0, time, {"a": 1.0})
        with pytest.raises(InvalidInput, match="before 2000"):
            writer.append(Note(text="x"), time_us=time)
    writer.append_row(7, None, {})
    with pytest.raises(OverflowError):
        writer.append_row(8, None, {"a": 2**64})
    writer.append_row(9, None, {"a": 1.0})
    writer.close()
    reading = read_journal(journal_of(tmp_path, writer))
    assert [item[1] for item in reading.items[1:]] == [9]
    assert reading.damage == []


def test_a_record_beyond_the_limit_is_refused_and_nothing_else_is_lost(tmp_path):
    writer = open_journal(tmp_path)
    with pytest.raises(InvalidInput, match="at most 65464") as raised:
        writer.append(Note(text="x" * 65_464))
    assert raised.value.code == "record.too_large"
    writer.append(Note(text="y" * 65_440))
    writer.close()
    assert [item[2]["text"][0] for item in read_journal(journal_of(tmp_path, writer)).items[1:]] == ["y"]


def test_a_closed_journal_refuses_and_closing_twice_is_fine(tmp_path):
    writer = open_journal(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(Unavailable, match="is closed"):
        writer.append_row(0, None, {"a": 1.0})
    with pytest.raises(Unavailable, match="is closed"):
        writer.append(Note(text="x"))


def test_a_writer_that_cannot_begin_is_not_registered(tmp_path):
    run = new_run_id(now_us())
    too_large = Start(kind="process", host="x" * 70_000)
    with pytest.raises(InvalidInput):
        JournalWriter.open(tmp_path, run, too_large)
    assert list(iter_active(tmp_path)) == []


SQUEEZED = """
import resource, signal, sys
from pathlib import Path
from everbloom.core.errors import Unavailable
from everbloom.testing.journals import journal_of, open_journal, read_journal

root, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer, recorded, step = open_journal(root, is_mapped=True), 0, 0
values = {"x" * 900: 1.0}
while writer.number < int(sys.argv[3]) - 1:  # fill the segments before the one that finds too little space
    writer.append_row(step, None, values)
    step += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
recorded, refused = step, 0
while refused < 3 and step < recorded + 40_000:
    try:
        writer.append_row(step, None, values)
        step += 1
    except Unavailable:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close()
reading = read_journal(journal_of(root, writer))
assert [item[1] for item in reading.items[1:]] == [*range(step)], (len(reading.items), step)
assert reading.damage == [] and reading.is_closed
"""


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("limit", [40_000, 65_536, 100_000, 300_000, 3_000_000])
def test_a_segment_of_any_number_takes_what_space_there_is_in_whole_blocks(tmp_path, number, limit):
    command = [sys.executable, "-c", SQUEEZED, str(tmp_path), str(limit), str(number)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
