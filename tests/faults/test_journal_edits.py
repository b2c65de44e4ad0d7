"""The edit journal under many writers, torn ends and damage: no edit lost, none twice, the order is the number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, UnsupportedVersion
from everbloom.core.ids import new_run_id
from everbloom.core.records import Edit, Note, Set, Tag
from everbloom.journal import edits
from everbloom.journal.edits import append_edit
from everbloom.journal.format import BLOCK_BYTES, HEADER_BYTES, PADDING
from everbloom.journal.reader import Control, Position, read_batch
from everbloom.testing.journals import read_journal

pytestmark = pytest.mark.fault

RUN = new_run_id(now_us())


def add(root: Path, text: str) -> int:
    return append_edit(root, RUN, "ada", Note(text=text))


def read_controls(root: Path) -> list[Control]:
    batch = read_batch(layout.edits_dir(root), Position(), now_us=now_us())
    assert batch.damage == []
    return batch.controls


def texts(root: Path) -> list[str]:
    items = read_journal(layout.edits_dir(root)).items
    return [body["body"]["text"] for _, _, body in items]


def segment(root: Path) -> Path:
    return layout.edits_dir(root) / "0.seg"


def test_an_edit_is_read_back_under_its_number(tmp_path):
    numbers = [append_edit(tmp_path, RUN, "ada", record) for record in (Tag(add=["a"]), Set(fields={"why": "b"}))]
    controls = read_controls(tmp_path)
    assert [control.position for control in controls] == numbers
    assert isinstance(controls[0].record, Edit)
    assert (controls[0].record.run, controls[0].record.author, controls[0].record.tag) == (RUN, "ada", "tag")


SCRIPT = """
import sys
from pathlib import Path
from everbloom.core.ids import RunId
from everbloom.core.records import Note
from everbloom.journal.edits import append_edit
for i in range(60):
    text = f"{sys.argv[3]} {i} " + "x" * (i * 37 % 3000)
    print(append_edit(Path(sys.argv[1]), RunId(sys.argv[2]), "ada", Note(text=text)))
"""


def test_eight_processes_at_once_get_distinct_growing_numbers_and_lose_nothing(tmp_path):
    commands = [[sys.executable, "-c", SCRIPT, str(tmp_path), RUN, str(n)] for n in range(8)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    answers = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    given = [[int(line) for line in answer.split()] for answer in answers]
    assert all(numbers == sorted(set(numbers)) and len(numbers) == 60 for numbers in given)
    controls = read_controls(tmp_path)
    assert [control.position for control in controls] == sorted(number for numbers in given for number in numbers)
    found = [text.split()[:2] for text in texts(tmp_path)]
    for n in range(8):
        assert [int(i) for writer, i in found if writer == str(n)] == list(range(60))


def test_a_writer_killed_within_its_write_is_made_good_by_the_next(tmp_path):
    for text in ("one", "two", "three"):
        add(tmp_path, text)
    whole = segment(tmp_path).read_bytes()
    last = read_controls(tmp_path)[2].position
    for end in range(last + 1, len(whole)):
        segment(tmp_path).write_bytes(whole[:end])
        reading = read_journal(layout.edits_dir(tmp_path))
        assert (len(reading.items), reading.damage) == (2, [])  # a write on its way is waited for
        assert add(tmp_path, "four") == last
        assert texts(tmp_path) == ["one", "two", "four"]


def test_a_writer_killed_while_it_made_the_first_segment_is_made_good(tmp_path):
    add(tmp_path, "one")
    whole = segment(tmp_path).read_bytes()
    for end in range(HEADER_BYTES + 1):
        segment(tmp_path).write_bytes(whole[:end])
        add(tmp_path, "again")
        assert texts(tmp_path) == ["again"]


def test_a_writer_killed_while_it_sealed_a_block_is_made_good_at_every_byte(tmp_path):
    add(tmp_path, "one")
    add(tmp_path, "x" * (BLOCK_BYTES - 400))
    size = segment(tmp_path).stat().st_size
    add(tmp_path, "y" * 1000)  # does not fit, so padding and a seal come before it
    whole = segment(tmp_path).read_bytes()
    assert whole[size] == PADDING
    for end in range(size, BLOCK_BYTES + 1):
        segment(tmp_path).write_bytes(whole[:end])
        reading = read_journal(layout.edits_dir(tmp_path))
        assert (len(reading.items), reading.damage) == (2, [])
        add(tmp_path, "short")
        add(tmp_path, "z" * 1000)
        assert [text[0] for text in texts(tmp_path)] == ["o", "x", "s", "z"]
        assert read_journal(layout.edits_dir(tmp_path)).damage == []


def test_a_reader_that_saw_the_torn_end_goes_on_where_it_stood(tmp_path):
    add(tmp_path, "one")
    add(tmp_path, "two")
    whole = segment(tmp_path).read_bytes()
    segment(tmp_path).write_bytes(whole[:-3])
    first = read_batch(layout.edits_dir(tmp_path), Position(), now_us=now_us())
    add(tmp_path, "three")
    second = read_batch(layout.edits_dir(tmp_path), first.end, now_us=now_us())
    assert [len(first.controls), len(second.controls)] == [1, 1]
    assert first.damage == second.damage == []


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_zeros_that_a_power_cut_left_cost_no_later_edit(tmp_path, size):
    add(tmp_path, "one")
    with segment(tmp_path).open("ab") as file:
        file.write(bytes(size))
    add(tmp_path, "two")
    add(tmp_path, "three")
    reading = read_journal(layout.edits_dir(tmp_path))
    assert [body["body"]["text"] for _, _, body in reading.items] == ["one", "two", "three"]
    assert len(reading.damage) == 1


def test_damage_up_to_the_seal_costs_no_later_edit(tmp_path):
    add(tmp_path, "one")
    with segment(tmp_path).open("ab") as file:
        file.write(bytes(BLOCK_BYTES - segment(tmp_path).stat().st_size - 3))
    add(tmp_path, "two")
    assert texts(tmp_path) == ["one", "two"]


def test_edits_go_on_in_a_new_segment_behind_a_damaged_header(tmp_path):
    add(tmp_path, "one")
    content = bytearray(segment(tmp_path).read_bytes())
    content[30] ^= 1
    segment(tmp_path).write_bytes(content)
    number = add(tmp_path, "two")
    assert number >> 32 == 1
    assert texts(tmp_path) == ["two"]
    assert len(read_journal(layout.edits_dir(tmp_path)).damage) == 1


def test_a_store_whose_edits_a_newer_version_keeps_is_left_alone(tmp_path):
    add(tmp_path, "one")
    content = bytearray(segment(tmp_path).read_bytes())
    content[16] = 9
    segment(tmp_path).write_bytes(content)
    with pytest.raises(UnsupportedVersion, match="journal format 9"):
        add(tmp_path, "two")
    assert segment(tmp_path).read_bytes() == bytes(content)


def test_a_full_segment_is_followed_by_the_next_and_numbers_go_on_growing(tmp_path):
    first = add(tmp_path, "one")
    file = os.open(segment(tmp_path), os.O_RDWR)
    os.ftruncate(file, edits.SEGMENT_MAX_BYTES)  # as if it had been filled, with bytes that are damage
    os.close(file)
    second = add(tmp_path, "two")
    assert (first >> 32, second >> 32) == (0, 1)
    reading = read_journal(layout.edits_dir(tmp_path))
    assert [body["body"]["text"] for _, _, body in reading.items][-1] == "two"


def test_an_edit_beyond_the_limit_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InvalidInput, match="the edit of run"):
        add(tmp_path, "x" * 70_000)
    assert not layout.edits_dir(tmp_path).exists()


def test_an_edit_by_a_clock_that_ran_ahead_hides_no_later_edit(tmp_path):
    append_edit(tmp_path, RUN, "ada", Note(text="ahead"), time_us=now_us() + 80_000_000_000)
    add(tmp_path, "now")
    later = read_batch(layout.edits_dir(tmp_path), Position(), now_us=now_us() - 10 * 86_400_000_000)
    assert len(later.controls) == 2
    assert later.damage == []
