"""The watcher's streams: copied first, recorded as the store allows, given back when done."""

import os
from contextlib import closing

import pytest

from everbloom.capture.order import SpoolOrder, WatchOrder, encode_order, parse_order
from everbloom.capture.space import punch, reserve
from everbloom.capture.spool import Spool, create_spool
from everbloom.core.errors import Unavailable
from everbloom.core.records import Console
from everbloom.watcher.streams import Stream


class Printer:
    """A spool that is printed to, and where it is to be copied."""

    def __init__(self, folder, *, is_copied=True):
        self.path = folder / "w.out"
        self.file = create_spool(self.path)
        self.target_path = folder / "target"
        self.target = os.open(self.target_path, os.O_WRONLY | os.O_CREAT) if is_copied else None
        self.stream = Stream(Spool(self.path, self.target), SpoolOrder("w.out", "out", is_copied))
        self.records = []

    def print(self, data):
        os.write(self.file, data)

    def text(self):
        return "".join(record.text for record in self.records if isinstance(record, Console))


@pytest.fixture
def printer(tmp_path):
    return Printer(tmp_path)


def refuse(record):
    raise Unavailable("the disk is full", code="disk.full")


def test_lines_are_copied_and_recorded_with_their_offsets(printer):
    printer.print(b"one\ntwo\nunfin")
    assert printer.stream.turn(printer.records.append)
    assert printer.target_path.read_bytes() == b"one\ntwo\nunfin"
    assert printer.records == [Console(text="one\ntwo\n", stream="out", offset=8)]
    assert printer.stream.is_record_pending
    assert not printer.stream.turn(printer.records.append)
    printer.print(b"ished\n")
    printer.stream.turn(printer.records.append)
    assert printer.records[-1] == Console(text="unfinished\n", stream="out", offset=19)
    assert not printer.stream.is_record_pending


def test_an_unfinished_line_is_recorded_at_the_end(printer):
    printer.print(b"unfinished")
    printer.stream.turn(printer.records.append, is_end=True)
    assert printer.text() == "unfinished"
    assert not printer.stream.is_record_pending


def test_what_cannot_be_recorded_now_is_copied_and_recorded_later(printer):
    printer.print(b"line\n" * 1_000)
    printer.stream.turn(refuse)
    assert printer.target_path.read_bytes() == b"line\n" * 1_000
    assert printer.stream.is_record_pending
    assert not printer.stream.is_copy_pending
    printer.stream.turn(printer.records.append)
    assert printer.text() == "line\n" * 1_000


def test_a_stream_that_reaches_its_place_by_itself_is_only_recorded(tmp_path):
    printer = Printer(tmp_path, is_copied=False)
    printer.print(b"hello\n")
    printer.stream.turn(printer.records.append)
    assert printer.text() == "hello\n"
    assert not printer.stream.is_copy_pending
    assert printer.stream.waits_for is None


def test_a_watcher_that_takes_over_goes_on_where_the_last_one_was(printer):
    printer.print(b"one\n")
    printer.stream.turn(printer.records.append)
    printer.stream.finish(is_recorded=False)
    printer.print(b"two\n")
    second = Stream(Spool(printer.path, printer.target), SpoolOrder("w.out", "out", True))
    second.turn(printer.records.append)
    assert printer.text() == "one\ntwo\n"
    assert printer.target_path.read_bytes() == b"one\ntwo\n"


def test_recorded_text_gives_its_space_back_and_the_spool_goes_at_the_end(printer):
    printer.print(b"x" * 99 + b"\n")
    for _ in range(30_000):
        printer.print(b"x" * 99 + b"\n")
    while printer.stream.turn(printer.records.append):
        pass
    assert printer.path.stat().st_size == 3_000_100
    assert printer.path.read_bytes()[:1_000_000] == bytes(1_000_000)
    assert printer.text() == ("x" * 99 + "\n") * 30_001
    printer.stream.finish(is_recorded=True)
    assert not printer.path.exists()


def test_other_printers_are_noticed(printer):
    assert printer.stream.has_printers()
    os.close(printer.file)
    assert not printer.stream.has_printers()


def test_space_can_be_reserved_without_making_a_file_longer(tmp_path):
    file = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    assert reserve(file, 0, 1 << 20)
    status = os.fstat(file)
    assert status.st_size == 0
    assert status.st_blocks * 512 >= 1 << 20
    os.close(file)


def test_whole_blocks_are_punched_out(tmp_path):
    file = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    os.write(file, b"x" * 10_000)
    assert punch(file, 0, 10_000) == 8_192
    assert (tmp_path / "f").read_bytes() == bytes(8_192) + b"x" * 1_808
    assert punch(file, 8_192, 10_000) == 8_192
    os.close(file)


def test_an_order_comes_back_from_its_argument():
    order = WatchOrder(
        root="/a store/🌸",
        run="a" * 32,
        pid=5,
        process_start=6,
        created_us=7,
        rank=2,
        has_resources=False,
        has_handle=True,
        spools=[SpoolOrder("w.out", "out", True)],
    )
    assert parse_order(encode_order(order)) == order


def test_a_watcher_that_begins_while_the_rest_is_recovered_records_nothing_of_it(printer):
    printer.print(b"one\ntwo\n")
    os.close(printer.file)
    printer.stream.finish(is_recorded=False)
    with closing(Spool(printer.path, None)) as spool, spool.alone() as is_alone:
        assert is_alone
        late = Stream(Spool(printer.path, None), SpoolOrder("w.out", "out", False))
        late.turn(printer.records.append, is_end=True)
        spool.note_taken()
        spool.remove()
    late.turn(printer.records.append, is_end=True)
    assert printer.records == []
    assert not late.is_record_pending


def test_nobody_is_alone_with_a_spool_that_a_watcher_has_open(printer):
    printer.print(b"one\n")
    os.close(printer.file)
    with closing(Spool(printer.path, None)) as spool, spool.alone() as is_alone:
        assert not is_alone
