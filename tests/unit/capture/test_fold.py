"""Printed bytes become whole lines as they last looked, with exact offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.capture.fold import PIECE_MAX_BYTES, iter_pieces


def folded(data, *, is_end=True):
    pieces = list(iter_pieces(data, is_end=is_end))
    return "".join(text for text, _ in pieces), pieces[-1][1] if pieces else 0


def test_whole_lines_are_kept_as_they_are():
    assert folded(b"one\ntwo\n") == ("one\ntwo\n", 8)


def test_an_unfinished_line_waits_until_the_end():
    assert folded(b"one\ntw", is_end=False) == ("one\n", 4)
    assert folded(b"one\ntw", is_end=True) == ("one\ntw", 6)


def test_a_progress_bar_is_kept_as_its_last_repaint():
    assert folded(b"start\n\r 1%\r 50%\r100%\ndone\n") == ("start\n100%\ndone\n", 26)


def test_a_bar_that_ends_with_a_carriage_return_shows_its_last_repaint():
    assert folded(b" 1%\r99%\r\n") == ("99%\n", 9)


def test_windows_line_ends_become_line_feeds():
    assert folded(b"one\r\ntwo\r\n") == ("one\ntwo\n", 10)


def test_bytes_that_are_not_text_become_replacement_characters():
    assert folded(b"a\xffb\n") == ("a\ufffdb\n", 4)


def test_a_long_open_line_is_given_in_pieces_that_do_not_split_characters():
    data = "é".encode() * PIECE_MAX_BYTES
    text, taken = folded(data, is_end=False)
    assert text == "é" * (taken // 2)
    assert len(data) - taken < PIECE_MAX_BYTES


def test_an_open_line_that_is_repainted_is_not_held_in_memory():
    data = b"".join(b"\r%5d%%" % n for n in range(PIECE_MAX_BYTES // 4))
    text, taken = folded(data, is_end=False)
    assert text == ""
    assert data[taken:] == b" 4095%"


@given(st.binary(max_size=200))
def test_bytes_without_carriage_returns_are_all_kept(data):
    plain = data.replace(b"\r", b"")
    assert folded(plain) == (plain.decode("utf-8", "replace"), len(plain))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_reading_in_portions_gives_the_same_text(size):
    data = b"".join(b"line %d \xf0\x9f\x8c\xb8\n" % n for n in range(5_000))
    kept, offset = "", 0
    for end in range(size * 13, len(data) + size * 13, size * 13):
        pieces = list(iter_pieces(data[offset:end], is_end=end >= len(data)))
        kept += "".join(text for text, _ in pieces)
        offset += pieces[-1][1] if pieces else 0
    assert kept == data.decode()


@given(st.lists(st.sampled_from([b"a", b"bc", b"\r", b"\n", b"\r\n", b"\xe2\x82\xac"]), max_size=60))
def test_no_record_is_larger_than_a_piece_and_offsets_rise(parts):
    data = b"".join(parts) * 300
    before = 0
    for text, taken in iter_pieces(data, is_end=True):
        assert len(text.encode()) <= PIECE_MAX_BYTES
        assert "\r" not in text
        assert taken > before
        before = taken
    assert before == len(data)
