"""Tables: alignment, and what gives way where a terminal is narrow."""

from datetime import UTC, datetime

import pytest

from everbloom.cli.output.screen import Screen
from everbloom.cli.output.table import Cell, Column, build_table
from everbloom.cli.output.text import measure

PIPE = Screen()


def terminal(width: int, *, has_colour: bool = False, has_unicode: bool = True) -> Screen:
    return Screen(True, width, 24, has_colour, has_unicode, datetime(2026, 11, 24, tzinfo=UTC))


def cells(*texts: str) -> list[Cell]:
    return [Cell(text) for text in texts]


def test_columns_are_as_wide_as_their_widest_text():
    table = build_table(PIPE, [Column("name"), Column("n", "right")], [cells("a", "1"), cells("longer", "100")])
    assert table.lines == ["name      n", "a         1", "longer  100"]


def test_numbers_stand_below_each_other_at_their_points():
    rows = [cells(text) for text in ("0.9744", "12.5", "3", "NaN", "1e-5", "0.5 ★", "")]
    lines = build_table(PIPE, [Column("value", "number")], rows).lines
    assert lines[1].index(".") == lines[2].index(".")
    assert lines[3].index("3") == lines[1].index(".") - 1
    assert lines[6].index(".") == lines[1].index(".")


def test_wide_characters_do_not_break_the_alignment():
    rows = [cells("模型", "x"), cells("größe 🚀", "y"), cells("e\u0301", "z")]
    lines = build_table(PIPE, [Column("name"), Column("")], rows).lines
    assert {measure(line[: line.index(mark)]) for line, mark in zip(lines[1:], "xyz", strict=True)} == {10}


def test_a_line_feed_in_a_cell_cannot_break_the_row():
    lines = build_table(PIPE, [Column("note")], [cells("one\ntwo\x1b[2J")]).lines
    assert lines[1:] == ["one two␛[2J"]


def test_a_pipe_gets_everything_uncut():
    long = "x" * 5000
    assert build_table(PIPE, [Column("note", least=8, rank=3)], [cells(long)]).lines[1] == long


def test_texts_that_may_shrink_do_so_before_columns_leave():
    columns = [Column("name", least=6), Column("kept", rank=1)]
    table = build_table(terminal(18), columns, [cells("a-long-name-of-a-run", "value")])
    assert table.left_out == []
    assert table.lines[1] == "a-long-nam…  value"


def test_columns_of_the_highest_rank_leave_first_and_are_named():
    columns = [Column("name"), Column("second", rank=2), Column("first", rank=9)]
    table = build_table(terminal(20), columns, [cells("amber-heron", "0.5", "xxxxxxxx")])
    assert table.left_out == ["first"]
    assert table.lines[1] == "amber-heron  0.5"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_fit_the_terminal(width):
    columns = [Column("name", least=10), *(Column(f"column {i}", "number", rank=i + 1) for i in range(12))]
    rows = [cells("模型" * 20, *(str(i * 1.5) for i in range(12)))] * 3
    assert all(measure(line) <= width for line in build_table(terminal(width), columns, rows).lines)


def test_styles_do_not_count_as_width():
    columns = [Column("name"), Column("b")]
    rows = [[Cell("x", "bold"), Cell("1")], [Cell("long", ""), Cell("2")]]
    plain = build_table(terminal(80), columns, rows).lines
    coloured = build_table(terminal(80, has_colour=True), columns, rows).lines
    assert coloured[1] == "\x1b[1mx\x1b[0m     1"
    assert plain[1] == "x     1"


def test_no_rows_make_no_heading():
    assert build_table(PIPE, [Column("name")], []).lines == []


def test_a_screen_without_unicode_gets_ascii():
    lines = build_table(terminal(8, has_unicode=False), [Column("n", least=6)], [cells("a → bcdefgh")]).lines
    assert all(terminal(8, has_unicode=False).spell(line).isascii() for line in lines)
