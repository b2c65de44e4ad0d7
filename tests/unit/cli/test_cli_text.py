"""What reaches the screen, and how wide it is."""

import pytest

from everbloom.cli.output.text import (
    clean_console,
    clean_line,
    clean_text,
    cut,
    measure,
    pad,
    to_ascii,
    wrap,
)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b[31mred", "␛[2J␛[31mred"),
        ("a\x00b\x07c\x7f", "a␀b␇c␡"),
        ("\x9b31m", "\ufffd31m"),
        ("invoice\u202egnp.exe", "invoice\ufffdgnp.exe"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("lone\ud800surrogate", "lone\ufffdsurrogate"),
    ],
)
def test_control_and_deceiving_characters_become_visible_signs(hostile, shown):
    assert clean_text(hostile) == shown


def test_clean_text_keeps_line_feeds_tabs_and_letters_of_all_scripts():
    text = "größe\n\t模型 مرحبا 🚀"
    assert clean_text(text) == text


def test_clean_line_makes_one_line_of_many():
    assert clean_line("  first\n\nsecond\t third \r\n") == "first second third"


def test_an_emoji_sequence_keeps_its_joiner():
    family = "👩\u200d👧"
    assert clean_line(family) == family


def test_console_colours_stay_where_there_is_colour_and_end_with_the_line():
    assert clean_console("\x1b[31merror", has_colour=True) == "\x1b[31merror\x1b[0m"


def test_console_colours_go_where_there_is_none():
    assert clean_console("\x1b[31merror\x1b[0m", has_colour=False) == "error"


@pytest.mark.parametrize("sequence", ["\x1b]0;title\x07", "\x1b]52;c;aGk=\x07", "\x1b[2J", "\x1b[1;1H", "\x1bc"])
def test_console_sequences_that_control_the_terminal_are_never_passed_on(sequence):
    assert "\x1b" not in clean_console(sequence, has_colour=True)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("größe", 5),
        ("模型", 4),
        ("e\u0301", 1),
        ("🚀", 2),
        ("👩\u200d👧", 2),
        ("👍🏽", 2),
        ("❤\ufe0f", 2),
        ("ｱ", 1),
        ("", 0),
    ],
)
def test_width_follows_what_a_terminal_draws(text, cells):
    assert measure(text) == cells


@pytest.mark.parametrize("width", range(1, 14))
@pytest.mark.parametrize(
    "text",
    [
        "模型模型模型模型",
        "a long ascii text",
        "größe e\u0301e\u0301 🚀🚀🚀🚀",
        "👩\u200d👧👩\u200d👧👩\u200d👧👩\u200d👧",
    ],
)
@pytest.mark.parametrize("is_middle", [False, True])
def test_cut_text_never_exceeds_its_width(text, width, is_middle):
    assert measure(cut(text, width, is_middle=is_middle)) <= width


def test_text_that_fits_is_not_cut():
    assert cut("模型", 4) == "模型"


def test_a_cut_in_the_middle_keeps_both_ends():
    shown = cut("a-very-long-name-7c1e", 14, is_middle=True)
    assert shown.startswith("a-very")
    assert shown.endswith("7c1e")
    assert "…" in shown


def test_padding_counts_cells_not_characters():
    assert pad("模型", 6) == "模型  "
    assert pad("模型", 6, is_right=True) == "  模型"


def test_wrapping_breaks_at_blanks_and_keeps_line_feeds():
    assert wrap("one two three\nfour", 8) == ["one two", "three", "four"]


def test_wrapping_breaks_a_word_that_is_wider_than_the_line():
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("模型模", 3) == ["模", "型", "模"]


def test_wrapping_loses_nothing():
    text = "ein langer Satz mit 模型 darin und einemwortdaszulangist"
    assert "".join(wrap(text, 7)).replace(" ", "") == text.replace(" ", "")


def test_own_signs_are_spelled_in_ascii_and_foreign_ones_marked():
    assert to_ascii("a → b · ★ ü") == "a -> b - * ?"
