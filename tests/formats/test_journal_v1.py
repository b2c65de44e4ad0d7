"""Journals that a released version wrote are read for ever, by our reader and by one made from the specification."""

import json
from pathlib import Path
from typing import Any

import pytest

from everbloom.core.branches import parse_fork
from everbloom.core.clock import now_us
from everbloom.core.records import RECORD_TYPES, Unknown
from everbloom.journal.format import BLOCK_BYTES
from everbloom.journal.reader import Position, read_batch
from everbloom.testing import minimal_reader
from everbloom.testing.journals import read_journal, to_row

FOLDER = Path(__file__).parent / "journal-v1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text("utf-8"))
JOURNALS = pytest.mark.parametrize("name", ["closed", "open", "resumed"])


def to_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {name: to_plain(inner) for name, inner in value.items()}
    return [to_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@JOURNALS
@pytest.mark.parametrize("max_bytes", [1, 10**7])
def test_the_golden_journal_means_what_it_meant(name, max_bytes):
    reading = read_journal(FOLDER / name, max_bytes=max_bytes)
    assert [to_plain(item) for item in reading.items] == EXPECTED[name]["items"]
    assert reading.is_closed is EXPECTED[name]["is_closed"]
    assert reading.damage == []


@JOURNALS
def test_a_reader_made_from_the_specification_alone_agrees_on_the_golden_journal(name):
    found = minimal_reader.read(FOLDER / name, boot=0, now_us=now_us())
    items = [to_row(*item[1:]) if item[0] == "row" else item for item in found.items]
    assert [to_plain(item) for item in items] == EXPECTED[name]["items"]
    assert found.is_closed is EXPECTED[name]["is_closed"]
    assert found.damage == []


@pytest.mark.parametrize("name", ["closed", "open"])
def test_the_golden_journal_holds_every_record_type_and_a_sealed_block(name):
    batch = read_batch(FOLDER / name, Position(), now_us=now_us())
    kinds = {type(control.record) for control in batch.controls}
    assert kinds == {*RECORD_TYPES.values(), Unknown}
    assert batch.end.byte > BLOCK_BYTES
    assert batch.rounded == 2  # 2^53 + 1 and -2^63


def test_a_journal_from_before_sessions_had_numbers_is_of_the_first_and_a_later_one_says_which():
    starts = {name: read_batch(FOLDER / name, Position(), now_us=now_us()).controls[0] for name in EXPECTED}
    assert {name: start.record.session for name, start in starts.items()} == {"closed": 0, "open": 0, "resumed": 2}
    assert [name for name, start in starts.items() if b"session" in start.raw] == ["resumed"]


def test_a_fork_of_a_golden_journal_says_what_it_shares():
    controls = read_batch(FOLDER / "resumed", Position(), now_us=now_us()).controls
    assert parse_fork(controls[1].record) == ("0192f0c1a2b37c4d8e5f60718293a4b5", 500, 1)


def test_the_minimal_reader_uses_nothing_of_ours():
    source = Path(minimal_reader.__file__).read_text("utf-8")
    assert "everbloom" not in source.split('"""', 2)[2]
