"""What is written is read back exactly: any rows and records, either kind of segment, any split of the reading."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from everbloom.core.clock import EARLIEST_US, now_us
from everbloom.core.records import (
    Command,
    Console,
    End,
    ExceptionInfo,
    File,
    Heartbeat,
    Like,
    Limits,
    Link,
    Media,
    Note,
    Params,
    Problem,
    Record,
    Reference,
    Rewind,
    Set,
    Tag,
    Unknown,
)
from everbloom.journal.identity import boot_id
from everbloom.journal.reader import Batch, Position, read_batch
from everbloom.journal.writer import JournalWriter
from everbloom.testing import minimal_reader
from everbloom.testing.journals import Item, journal_of, open_journal, read_journal, to_reading, to_row

TIMES = st.integers(EARLIEST_US, 4_000_000_000_000_000).map(lambda time: min(time, now_us()))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.sampled_from(
    ["train/loss", "val/acc", "a b", 'quo"te', "emoji 🌱", "naïve", "x" * 300, "\\", "p/\0"]
)
NUMBERS = (
    st.floats(allow_nan=True, allow_infinity=True)
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0, 1, -1, 127, 128, -32, -33, 255, 256, 65_535, 2**31, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -0.0])
)
STEPS = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(0, 300)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(Set, fields=st.dictionaries(TEXT, SCALARS, max_size=3)),
    st.builds(Params, values=st.dictionaries(TEXT, SCALARS, max_size=5)),
    st.builds(Tag, add=st.lists(TEXT, max_size=3), remove=st.lists(TEXT, max_size=3)),
    st.builds(Like, on=st.booleans(), target=TEXT, user=TEXT),
    st.builds(Note, text=TEXT, append=st.booleans(), base=st.none() | st.integers(0, 9)),
    st.builds(Link, url=TEXT, title=TEXT),
    st.builds(
        Media,
        name=NAMES,
        kind=st.sampled_from(["image", "table", "text"]),
        step=STEPS,
        media_type=TEXT,
        size=st.integers(0, 2**40),
        data=st.none() | st.binary(max_size=40_000),
        meta=st.dictionaries(TEXT, st.lists(SCALARS, max_size=3), max_size=2),
    ),
    st.builds(File, path=TEXT, sha256=st.just("0" * 64), size=st.integers(0, 2**40), step=st.none() | STEPS),
    st.builds(Reference, uri=TEXT, size=st.none() | st.integers(0, 2**60)),
    st.builds(Command, argv=st.lists(TEXT, max_size=4), cwd=TEXT),
    st.builds(Console, text=TEXT.map(lambda text: text * 200), stream=st.sampled_from(["out", "err", "both"])),
    st.builds(Heartbeat, number=st.integers(0, 2**40)),
    st.builds(Limits, values=st.dictionaries(TEXT, st.floats(allow_nan=False), max_size=3)),
    st.builds(Problem, code=TEXT, message=TEXT, count=st.integers(1, 99)),
    st.builds(Rewind, step=STEPS),
    st.builds(
        End,
        state=st.sampled_from(["finished", "failed"]),
        cause=st.sampled_from(["exit", "exception"]),
        witness=st.just("process"),
        exception=st.none() | st.builds(ExceptionInfo, type=TEXT, message=TEXT),
    ),
    st.builds(Unknown, tag=st.just("from.tomorrow"), body=st.just(msgspec.Raw(b"\x81\xa1x\xc3"))),
)
VALUES = st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=5)
# (step, time, values, how often): bursts fill blocks and segments, so that seals and the next file come into play.
ROWS = st.tuples(STEPS, TIMES, VALUES, st.sampled_from([1, 1, 1, 2, 17, 700]))
OPERATIONS = st.lists(ROWS | st.tuples(RECORDS, TIMES), max_size=12)


def perform(writer: JournalWriter, operation: tuple) -> Iterator[Item]:
    """Do one operation; yield the items that it must have become."""
    if len(operation) == 2:
        record, time = operation
        writer.append(record, time_us=time)
        body = msgspec.msgpack.decode(record.body if isinstance(record, Unknown) else msgspec.msgpack.encode(record))
        yield (record.tag if isinstance(record, Unknown) else record.tag_name, time, body)
        return
    step, time, values, times = operation
    for i in range(times):
        writer.append_row(step - i if step > 0 else step + i, time, values)
        yield to_row(step - i if step > 0 else step + i, time, values)


@settings(max_examples=80, deadline=None)
@given(operations=OPERATIONS, is_mapped=st.booleans(), is_closed=st.booleans(), max_bytes=st.sampled_from([1, 70_000]))
def test_a_journal_reads_back_what_was_written(operations, is_mapped, is_closed, max_bytes):
    with tempfile.TemporaryDirectory() as folder:
        writer = open_journal(Path(folder), is_mapped=is_mapped)
        expected = [item for operation in operations for item in perform(writer, operation)]
        if is_closed:
            writer.close()
        reading = read_journal(journal_of(Path(folder), writer), max_bytes=max_bytes)
        writer.close()
    assert reading.items[1:] == expected
    assert reading.items[0][0] == "start"
    assert reading.damage == []
    assert reading.is_closed is is_closed
    assert reading.end.rows == sum(item[0] == "row" for item in expected)


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS, is_mapped=st.booleans(), max_bytes=st.sampled_from([1, 100_000]))
def test_reading_while_writing_sees_every_item_once(operations, is_mapped, max_bytes):
    expected, batches = [], []
    with tempfile.TemporaryDirectory() as folder:
        writer = open_journal(Path(folder), is_mapped=is_mapped)
        journal = journal_of(Path(folder), writer)
        position = Position()
        for operation in operations:
            expected.extend(perform(writer, operation))
            batches.append(read_batch(journal, position, now_us=now_us(), max_bytes=max_bytes))
            position = batches[-1].end
        writer.close()
        while not batches or not batches[-1].is_closed:
            batches.append(read_batch(journal, position, now_us=now_us(), max_bytes=max_bytes))
            position = batches[-1].end
    reading = to_reading(batches)
    assert reading.items[1:] == expected
    assert reading.damage == []


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS, max_bytes=st.sampled_from([1, 100_000, 10**7]))
def test_rows_are_numbered_one_by_one_over_all_key_sets(operations, max_bytes):
    ordinals = []
    with tempfile.TemporaryDirectory() as folder:
        writer = open_journal(Path(folder))
        count = sum(item[0] == "row" for operation in operations for item in perform(writer, operation))
        position, has_more = Position(), True
        while has_more:
            batch: Batch = read_batch(journal_of(Path(folder), writer), position, now_us=now_us(), max_bytes=max_bytes)
            position, has_more = batch.end, batch.has_more
            ordinals.extend(sorted(number for rows in batch.rows for number in rows.ordinals.tolist()))
        writer.close()
    assert ordinals == list(range(count))


# Of 60 KB to 300 KB, as one record holds 64 KiB: each part's names are a new shape, which is what takes time to read.
@settings(max_examples=5, deadline=None)
@given(count=st.integers(600, 1500), width=st.integers(100, 200), is_mapped=st.booleans())
def test_a_wide_row_is_split_by_its_names_under_one_step_and_time(count, width, is_mapped):
    values = {f"{i:0{width}}": i / 7 for i in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        writer = open_journal(Path(folder), is_mapped=is_mapped)
        writer.append_row(41, None, values)
        writer.close()
        parts = read_journal(journal_of(Path(folder), writer)).items[1:]
    assert {(step, time) for _, step, time, _ in parts} == {(41, parts[0][2])}
    names = [name for part in parts for name in part[3]]
    assert sorted(names) == sorted(values)
    assert {name: value for part in parts for name, value in part[3].items()} == to_row(0, 0, values)[3]


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS, is_mapped=st.booleans(), is_closed=st.booleans())
def test_a_reader_made_from_the_specification_alone_agrees(operations, is_mapped, is_closed):
    with tempfile.TemporaryDirectory() as folder:
        writer = open_journal(Path(folder), is_mapped=is_mapped)
        for operation in operations:
            list(perform(writer, operation))
        if is_closed:
            writer.close()
        journal = journal_of(Path(folder), writer)
        reading = read_journal(journal)
        found = minimal_reader.read(journal, boot=boot_id(), now_us=now_us())
        writer.close()
    items = [to_row(*item[1:]) if item[0] == "row" else item for item in found.items]
    assert items == reading.items
    assert found.damage == []
    assert found.is_closed is reading.is_closed is is_closed
