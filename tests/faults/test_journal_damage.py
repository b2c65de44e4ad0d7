"""Damaged journals: cut, flipped, zero-filled, foreign, missing. What is read is true; the rest is counted."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everbloom.core.clock import AHEAD_US, EARLIEST_US, now_us
from everbloom.core.errors import Corrupt, UnsupportedVersion
from everbloom.core.records import Note, Tag, Unknown
from everbloom.journal import identity
from everbloom.journal.format import BLOCK_BYTES, HEADER_BYTES, Header, pack_committed, pack_header, parse_header
from everbloom.journal.reader import Position, read_batch
from everbloom.testing.journals import copy_with, journal_of, open_journal, read_journal

pytestmark = pytest.mark.fault

BOTH = pytest.mark.parametrize("is_mapped", [True, False], ids=["mapped", "written"])


def write_small(root: Path, *, is_mapped: bool, is_closed: bool) -> Path:
    writer = open_journal(root, is_mapped=is_mapped)
    for step in range(12):
        writer.append_row(step, None, {"train/loss": 1 / (step + 1), "n": step})
        if step % 4 == 0:
            writer.append(Tag(add=[f"tag {step}"]))
            writer.append_row(step, None, {f"odd {step}": 2**40 + step})
    writer.append(Note(text="a note of some length 🌱 " * 4))
    if is_closed:
        writer.close()
    else:
        writer.abandon()
    return journal_of(root, writer)


def write_blocks(root: Path, *, is_mapped: bool = True, rows: int = 3200) -> Path:
    writer = open_journal(root, is_mapped=is_mapped)
    for step in range(rows):
        writer.append_row(step, None, {"train/loss": step / 3, "val/acc": step / 7})
        if step % 97 == 0:
            writer.append(Note(text=f"at {step}"))
    writer.close()
    return journal_of(root, writer)


def assert_prefix(journal: Path, whole: list, end_byte: int) -> None:
    reading = read_journal(journal)
    assert reading.items == whole[: len(reading.items)]
    lost = len(reading.items) < len(whole)
    taken = reading.end.byte - sum(damage.size for damage in reading.damage)
    assert taken <= max(end_byte, HEADER_BYTES)
    assert not reading.is_closed or not lost


@BOTH
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "live"])
def test_a_journal_cut_at_every_byte_reads_as_a_prefix(tmp_path, is_mapped, is_closed):
    journal = write_small(tmp_path, is_mapped=is_mapped, is_closed=is_closed)
    whole = read_journal(journal).items
    path = journal / "0.seg"
    size = parse_header(path.read_bytes(), path=path).committed if is_mapped else path.stat().st_size
    for end in range(size, -1, -1):
        os.truncate(path, end)
        assert_prefix(journal, whole, end)


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "live"])
def test_a_committed_length_lowered_to_every_byte_reads_as_a_prefix(tmp_path, is_closed):
    journal = write_small(tmp_path, is_mapped=True, is_closed=is_closed)
    whole = read_journal(journal).items
    path = journal / "0.seg"
    committed = parse_header(path.read_bytes(), path=path).committed
    with path.open("r+b") as file:
        for end in range(committed, -1, -1):
            file.seek(0)
            file.write(pack_committed(end))
            file.flush()
            assert_prefix(journal, whole, end)


@BOTH
def test_a_cut_within_several_blocks_costs_what_is_behind_it(tmp_path, is_mapped):
    journal = write_blocks(tmp_path, is_mapped=is_mapped)
    whole = read_journal(journal).items
    path = journal / "0.seg"
    size = path.stat().st_size
    assert size > 2 * BLOCK_BYTES
    near = {edge + off for edge in range(BLOCK_BYTES, size, BLOCK_BYTES) for off in range(-24, 24)}
    for end in sorted({*near, *range(0, size, 1009)} & set(range(size)), reverse=True):
        os.truncate(path, end)
        assert_prefix(journal, whole, end)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_sealed_block_costs_that_block_and_no_other(tmp_path, place, bit):
    journal = tmp_path / "whole"
    if not journal.exists():
        shutil.copytree(write_blocks(tmp_path / "store"), journal)
    content = bytearray((journal / "0.seg").read_bytes())
    whole = read_journal(journal).items
    place = HEADER_BYTES + place % (len(content) - HEADER_BYTES)
    content[place] ^= 1 << bit
    reading = read_journal(copy_with(journal, tmp_path / "flipped", segment=0, content=bytes(content)))
    block = place - place % BLOCK_BYTES
    assert [(damage.segment, damage.byte) for damage in reading.damage] == [(0, block or HEADER_BYTES)]
    first = next((i for i, item in enumerate(reading.items) if item != whole[i]), len(reading.items))
    lost = len(whole) - len(reading.items)
    assert lost
    assert reading.items == whole[:first] + whole[first + lost :]  # what is gone is one piece, the rest is intact


def test_every_flipped_byte_of_a_closed_journal_is_found_out(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    path = journal / "0.seg"
    content = path.read_bytes()
    whole = read_journal(journal).items
    for place in range(HEADER_BYTES, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
        reading = read_journal(journal)
        assert reading.damage, place
        assert reading.items == whole[: len(reading.items)], place
        assert not reading.is_closed


def test_a_flipped_byte_of_a_closed_journal_that_grew_never_passes_unseen(tmp_path):
    journal = write_small(tmp_path, is_mapped=False, is_closed=True)
    path = journal / "0.seg"
    content = path.read_bytes()
    for place in range(HEADER_BYTES, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
        reading = read_journal(journal)
        assert reading.damage or reading.end.byte < len(content), place
        assert not reading.is_closed


def test_every_flipped_byte_of_a_header_is_found_out(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    path = journal / "0.seg"
    content = path.read_bytes()
    for place in range(8, HEADER_BYTES):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x02]) + content[place + 1 :])
        try:
            reading = read_journal(journal)
        except UnsupportedVersion:
            assert place in (16, 17)  # the major version itself
            continue
        assert (reading.items, len(reading.damage)) == ([], 1)


def test_zeros_that_a_power_cut_left_are_no_items(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=False)
    path = journal / "0.seg"
    content = path.read_bytes()
    committed = parse_header(content, path=path).committed
    whole = read_journal(journal).items
    path.write_bytes(pack_committed(committed + 5000) + content[8:])
    reading = read_journal(journal)
    assert reading.items == whole
    assert [(damage.byte, damage.size) for damage in reading.damage] == [(committed, 5000)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(min_size=1, max_size=300), is_mapped=st.booleans())
def test_foreign_bytes_behind_the_last_record_never_raise(tmp_path, junk, is_mapped):
    journal = tmp_path / f"whole-{is_mapped}"
    if not journal.exists():
        shutil.copytree(write_small(tmp_path / f"store-{is_mapped}", is_mapped=is_mapped, is_closed=False), journal)
    content = (journal / "0.seg").read_bytes()
    whole = read_journal(journal).items
    end = parse_header(content, path=journal).committed if is_mapped else len(content)
    content = content[:end] + junk
    if is_mapped:
        content = pack_committed(len(content)) + content[8:]
    reading = read_journal(copy_with(journal, tmp_path / "foreign", segment=0, content=content))
    assert reading.items[: len(whole)] == whole


def test_items_nested_beyond_any_stack_are_damage(tmp_path):
    journal = write_small(tmp_path, is_mapped=False, is_closed=False)
    whole = read_journal(journal).items
    with (journal / "0.seg").open("ab") as file:
        file.write(b"\x93\xa1x" + msgspec.msgpack.encode(now_us()) + b"\x91" * 30_000 + b"\xc0")
    reading = read_journal(journal)
    assert reading.items == whole
    assert len(reading.damage) == 1


def test_a_newer_major_version_is_refused_by_name(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    path = journal / "0.seg"
    content = bytearray(path.read_bytes())
    content[16] = 7
    path.write_bytes(content)
    with pytest.raises(UnsupportedVersion, match="has journal format 7; this Everbloom reads up to 1") as raised:
        read_journal(journal)
    assert raised.value.code == "journal.version"


def test_another_programs_file_is_damage_and_says_so(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    path = journal / "0.seg"
    path.write_bytes(b"PK\x03\x04" * 100)
    reading = read_journal(journal)
    assert reading.items == []
    assert reading.damage[0].size == 400 - HEADER_BYTES
    assert "begins with" in reading.damage[0].reason
    with pytest.raises(Corrupt, match=r"journal\.magic"):
        parse_header(path.read_bytes(), path=path)


def test_a_text_mode_copy_is_found_out(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    path = journal / "0.seg"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    assert read_journal(journal).items == []
    assert len(read_journal(journal).damage) == 1


@pytest.mark.parametrize("size", [0, 1, 63, 64, 262_144])
def test_a_segment_seen_before_its_header_is_waited_for(tmp_path, size):
    journal = tmp_path / "journal"
    journal.mkdir()
    (journal / "0.seg").write_bytes(bytes(size))
    batch = read_batch(journal, Position(), now_us=now_us())
    assert (batch.end, batch.damage, batch.is_closed, batch.header) == (Position(), [], False, None)


def test_a_header_half_there_is_waited_for_while_nothing_is_published(tmp_path):
    header = Header(0, 0, "0" * 16, 1, 2, 3, 4)
    for written in range(8, HEADER_BYTES + 1):
        assert parse_header(pack_header(header)[:written].ljust(HEADER_BYTES, b"\0"), path=tmp_path) is None


def test_a_folder_without_segments_is_an_empty_journal(tmp_path):
    batch = read_batch(tmp_path / "nowhere", Position(), now_us=now_us())
    assert (batch.end, batch.has_more, batch.is_closed) == (Position(), False, False)


@pytest.fixture(scope="module")
def long_journal(tmp_path_factory) -> Path:
    """A journal of four segments: 256 KiB, 4, 8 and a part of 16 MiB."""
    root = tmp_path_factory.mktemp("long")
    writer = open_journal(root)
    for step in range(3500):
        writer.append(Note(text=f"{step} " + "x" * 4000))
    writer.close()
    return journal_of(root, writer)


@pytest.mark.parametrize("missing", [(0,), (1,), (1, 2), (0, 1, 2)])
def test_missing_segments_are_told_and_the_others_read(tmp_path, long_journal, missing):
    whole = read_journal(long_journal)
    assert whole.end.segment == 3
    journal = tmp_path / "journal"
    shutil.copytree(long_journal, journal)
    for number in missing:
        (journal / f"{number}.seg").unlink()
    reading = read_journal(journal)
    assert [damage.segment for damage in reading.damage] == [missing[0]]
    assert "missing" in reading.damage[0].reason
    assert reading.items[-1] == whole.items[-1]
    assert reading.is_closed


def test_a_journal_that_lacks_its_second_segment_is_not_taken_for_closed(tmp_path, long_journal):
    journal = tmp_path / "journal"
    shutil.copytree(long_journal, journal)
    (journal / "1.seg").unlink()
    first = read_batch(journal, Position(), now_us=now_us(), max_bytes=1)
    while first.end.segment == 0:
        assert not first.is_closed
        first = read_batch(journal, first.end, now_us=now_us(), max_bytes=10**6)


def test_a_segment_whose_header_is_gone_is_counted_where_another_follows(tmp_path, long_journal):
    content = (long_journal / "1.seg").read_bytes()
    zeroed = bytes(4096) + content[4096:]
    reading = read_journal(copy_with(long_journal, tmp_path / "journal", segment=1, content=zeroed))
    assert [(damage.segment, damage.size) for damage in reading.damage] == [(1, len(content) - HEADER_BYTES)]
    assert reading.is_closed


def test_a_record_that_does_not_fit_into_its_block_begins_the_next(tmp_path):
    writer = open_journal(tmp_path)
    sizes = [30_000, 40_000, 65_000, 10, 65_300, 65_300, 100]
    for size in sizes:
        writer.append(Note(text="x" * size))
    writer.close()
    journal = journal_of(tmp_path, writer)
    batch = read_batch(journal, Position(), now_us=now_us())
    assert [len(control.record.text) for control in batch.controls[1:]] == sizes
    for control in batch.controls:
        first = control.position & 0xFFFFFFFF
        assert first // BLOCK_BYTES == (first + len(control.raw) - 1) // BLOCK_BYTES


def test_a_time_before_2000_ends_an_unsealed_block(tmp_path):
    journal = write_small(tmp_path, is_mapped=False, is_closed=False)
    whole = read_journal(journal).items
    with (journal / "0.seg").open("ab") as file:
        file.write(msgspec.msgpack.encode((1, EARLIEST_US - 1, {"a": 1.0})))
        file.write(msgspec.msgpack.encode((2, EARLIEST_US, {"a": 1.0})))
    reading = read_journal(journal)
    assert reading.items == whole
    assert len(reading.damage) == 1


@pytest.mark.parametrize(("ahead_us", "is_taken"), [(AHEAD_US - 10**6, True), (AHEAD_US + 10**6, False)])
def test_after_another_boot_a_time_beyond_tomorrow_ends_what_was_left_unsealed(tmp_path, ahead_us, is_taken):
    header = Header(0, 0, "0" * 16, identity.host_id(), identity.boot_id() ^ 1, 1, 1)
    now = now_us()
    items = [msgspec.msgpack.encode((1, now, {"a": 1.0})), msgspec.msgpack.encode((2, now + ahead_us, {"a": 2.0}))]
    content = pack_header(header)[8:] + b"".join(items)
    journal = tmp_path / "journal"
    journal.mkdir()
    (journal / "0.seg").write_bytes(pack_committed(len(content) + 8) + content + bytes(1000))
    batch = read_batch(journal, Position(), now_us=now)
    assert batch.end.rows == (2 if is_taken else 1)
    assert len(batch.damage) == (0 if is_taken else 1)


def test_a_clock_ahead_costs_nothing_within_this_boot_or_behind_a_seal(tmp_path):
    journal = write_small(tmp_path, is_mapped=True, is_closed=True)
    whole = read_journal(journal).items
    past = EARLIEST_US + 1  # a reader whose clock stands in 2000: all is far ahead of it
    batch = read_batch(journal, Position(), now_us=past)
    assert len(batch.damage) == 0
    assert batch.end.rows + len(batch.controls) == len(whole)


def test_an_unknown_record_is_carried_along(tmp_path):
    writer = open_journal(tmp_path)
    body = msgspec.Raw(msgspec.msgpack.encode({"colour": "amber", "deep": [1, {"x": None}]}))
    writer.append(Unknown(tag="from.tomorrow", body=body))
    writer.append_row(0, None, {"a": 1.0})
    writer.close()
    batch = read_batch(journal_of(tmp_path, writer), Position(), now_us=now_us())
    record = batch.controls[1].record
    assert isinstance(record, Unknown)
    assert (record.tag, msgspec.msgpack.decode(record.body)) == ("from.tomorrow", msgspec.msgpack.decode(body))
    assert batch.end.rows == 1


@pytest.mark.parametrize("is_closed", [True, False], ids=["sealed", "unsealed"])
def test_a_known_record_with_a_value_from_a_newer_version_is_carried_along(tmp_path, is_closed):
    writer = open_journal(tmp_path)
    body = msgspec.Raw(msgspec.msgpack.encode({"state": "hibernated", "cause": "solar flare", "witness": "moon"}))
    writer.append(Unknown(tag="end", body=body))
    writer.append_row(0, None, {"a": 1.0})
    if is_closed:
        writer.close()
    batch = read_batch(journal_of(tmp_path, writer), Position(), now_us=now_us())
    writer.close()
    assert batch.controls[1].record == Unknown(tag="end", body=body)
    assert (batch.end.rows, batch.damage) == (1, [])


def test_a_field_from_a_newer_version_is_passed_over(tmp_path):
    writer = open_journal(tmp_path)
    writer.append(Unknown(tag="note", body=msgspec.Raw(msgspec.msgpack.encode({"text": "hi", "mood": "calm"}))))
    writer.close()
    batch = read_batch(journal_of(tmp_path, writer), Position(), now_us=now_us())
    assert batch.controls[1].record == Note(text="hi")
