"""The console store's contract, on both engines: what was printed comes back, and everything in it is found."""

import pytest

from everbloom.core.values import fold_text
from everbloom.index import console as console_module
from everbloom.index.console import CHUNK_CHARS, ConsoleMatch, ConsoleStore

RUN = "1" * 32
OTHER = "2" * 32


@pytest.fixture
def store(database):
    store = ConsoleStore(database)
    store.ensure_schema()
    return store


def write(store, *texts, run=RUN, writer="w", time_us=1):
    with store.database.transaction():
        store.append_text(run, writer, [(time_us, text) for text in texts])


def read(store, run=RUN):
    return "".join(store.iter_text(run))


def test_text_comes_back_as_it_was_printed(store):
    write(store, "one\ntwo\n", "three 🌱\n\n")
    write(store, "fo", "ur\n")
    assert read(store) == "one\ntwo\nthree 🌱\n\nfour\n"
    assert store.count_lines(RUN) == 5


def test_a_run_that_printed_nothing_has_no_text(store):
    assert (read(store), store.count_lines(RUN), store.read_tail(RUN, 5)) == ("", 0, "")
    assert list(store.find_lines(RUN, "x")) == []


def test_odd_characters_come_back(store):
    text = "nul \0 escape \x1a line\u2028separator\x85 tab\t\x0bß\n"
    write(store, text)
    assert read(store) == text


@pytest.mark.parametrize("size", [CHUNK_CHARS - 1, CHUNK_CHARS, CHUNK_CHARS + 1, 3 * CHUNK_CHARS + 7])
def test_text_of_any_size_comes_back_however_it_is_cut(store, size):
    line = "x" * 99 + "\n"
    text = (line * (size // 100 + 1))[:size]
    write(store, text[: size // 3], text[size // 3 :])
    assert read(store) == text
    assert store.count_lines(RUN) == text.count("\n")


def test_chunks_are_sealed_behind_a_line(store):
    write(store, "y" * 70 + "\n" + "x" * (CHUNK_CHARS - 72) + "\n" + "after\n")
    states = store.database.execute("SELECT chunk, is_sealed, lines FROM console ORDER BY chunk")
    assert states == [(0, 1, 2), (1, 0, 1)]


def test_a_line_longer_than_a_chunk_comes_back(store):
    text = "first\n" + "é" * (2 * CHUNK_CHARS + 11) + "\nlast\n"
    write(store, text)
    assert read(store) == text
    assert store.count_lines(RUN) == 3


def test_text_that_comes_in_small_pieces_fills_the_same_chunks(store):
    text = "".join(f"line {i} of many, with some text behind it\n" for i in range(9000))
    write(store, text)
    for start in range(0, len(text), 50_000):
        write(store, text[start : start + 50_000], run=OTHER)
    of_run = "SELECT chunk, is_sealed, lines, size FROM console WHERE run = ? ORDER BY chunk"
    assert store.database.execute(of_run, (RUN,)) == store.database.execute(of_run, (OTHER,))


# ── several writers ────────────────────────────────────────────────────────────────────────────────────────────


def test_writers_stand_behind_each_other_in_the_order_in_which_they_began(store):
    write(store, "second\n", writer="a", time_us=20)
    write(store, "first\n", writer="b", time_us=10)
    assert read(store) == "first\nsecond\n"


def test_an_unfinished_line_ends_where_the_next_writer_begins(store):
    write(store, "unfinished", writer="a", time_us=10)
    write(store, "next\n", writer="b", time_us=20)
    assert read(store) == "unfinished\nnext\n"
    assert store.count_lines(RUN) == 2
    assert list(store.find_lines(RUN, "next")) == [ConsoleMatch(RUN, 2, "next")]


def test_lines_are_numbered_through_over_all_writers(store):
    for i in range(3):
        write(store, f"a {i}\nb {i}\n", writer=f"w{i}", time_us=i + 1)
    assert [(match.line, match.text) for match in store.find_lines(RUN, "b")] == [(2, "b 0"), (4, "b 1"), (6, "b 2")]


# ── the end of it ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "lines", "tail"),
    [
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc", 2, "b\nc"),
        ("a\nb\nc\n", 9, "a\nb\nc\n"),
        ("a\nb\nc\n", 0, ""),
        ("a\n\n\n", 2, "\n\n"),
        ("a\x0bb\u2028c\rd\n", 1, "a\x0bb\u2028c\rd\n"),
    ],
)
def test_the_tail_has_the_last_lines(store, text, lines, tail):
    write(store, text)
    assert store.read_tail(RUN, lines) == tail


def test_the_tail_reaches_over_chunks_and_writers(store):
    lines = [f"{i} {'x' * 90}\n" for i in range(9000)]
    write(store, "".join(lines[:8990]), time_us=1, writer="a")
    write(store, "".join(lines[8990:]), time_us=2, writer="b")
    assert store.read_tail(RUN, 6000) == "".join(lines[-6000:])


# ── searching ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "needle", ["WARNING", "warning", "Straße", "STRASSE", "%", "_", "'", '"', "\\", "🌱", "w", "  "]
)
def test_a_text_is_found_whatever_its_case(store, needle):
    write(store, "quiet\n", "a  Warning: 100% of 'Straße' \\ \"x_y\" 🌱\n")
    assert [match.line for match in store.find_lines(RUN, needle)] == [2]
    assert store.find_runs(needle) == {RUN}


@pytest.mark.parametrize("needle", ["warninG!", "strase", "🌲", "quietx"])
def test_a_text_that_nobody_printed_is_not_found(store, needle):
    write(store, "quiet\nWarning Straße 🌱\n")
    assert list(store.find_lines(RUN, needle)) == []
    assert store.find_runs(needle) == set()


def test_every_line_is_found_by_its_number_in_any_chunk(store):
    lines = [f"line {i} {'ab' * 40}" for i in range(9000)]
    write(store, "".join(line + "\n" for line in lines))
    for number in (1, 2, 2900, 3000, 6000, 8999, 9000):
        found = list(store.find_lines(RUN, f"line {number - 1} "))
        assert found == [ConsoleMatch(RUN, number, lines[number - 1])]


def test_a_line_without_an_end_yet_is_found(store):
    write(store, "done\nstep 5")
    assert list(store.find_lines(RUN, "step")) == [ConsoleMatch(RUN, 2, "step 5")]


def test_a_needle_across_a_cut_within_a_long_line_is_found(store):
    text = "-" * (CHUNK_CHARS - 3) + "needle" + "-" * 50 + "\nnext\n"
    write(store, text)
    assert [match.line for match in store.find_lines(RUN, "NEEDLE")] == [1]
    assert [match.line for match in store.find_lines(RUN, "next")] == [2]
    assert store.find_runs("Needle") == {RUN}


def test_a_needle_across_a_cut_between_two_sealed_chunks_is_found(store):
    text = "-" * (CHUNK_CHARS - 3) + "needle" + "+" * (2 * CHUNK_CHARS) + "\n"
    write(store, text)
    assert store.find_runs("needle") == {RUN}
    assert store.find_runs("needles") == set()
    assert [match.text == text[:-1] for match in store.find_lines(RUN, "needle")] == [True]


def test_a_text_of_two_lines_is_found_across_chunks(store):
    write(store, "x" * (CHUNK_CHARS - 6) + "\nabcd\n", "efgh\n")
    assert store.database.execute("SELECT COUNT(*) FROM console") == [(2,)]
    assert store.find_runs("abcd\nefgh") == {RUN}
    assert store.find_runs("abcd\nefgi") == set()


def test_a_text_that_two_writers_printed_a_part_of_is_not_found(store):
    write(store, "abcd", writer="a")
    write(store, "efgh\n", writer="b", time_us=2)
    assert store.find_runs("cdef") == set()


def test_runs_are_told_apart(store):
    write(store, "alpha\n")
    write(store, "beta\nalpha\n", run=OTHER)
    assert store.find_runs("alpha") == {RUN, OTHER}
    assert store.find_runs("beta") == {OTHER}
    assert [match.line for match in store.find_lines(OTHER, "alpha")] == [2]


def test_a_search_over_many_runs_asks_in_batches(store):
    for number in range(25):
        write(store, f"run {number} says hello\n", run=f"{number:032x}")
    assert len(store.find_runs("hello", batch=4)) == 25
    assert store.find_runs("run 24 ", batch=4) == {f"{24:032x}"}


def test_a_filter_passes_over_most_sealed_chunks(store):
    import random

    rng = random.Random(5)
    words = ["".join(rng.choice("abcdefghijklmnop") for _ in range(7)) for _ in range(300)]
    write(store, "".join(" ".join(rng.choices(words, k=12)) + "\n" for _ in range(10_000)))
    chunks = store.database.execute("SELECT bits FROM console_bloom")
    wanted = console_module.bloom_places(fold_text("quartz-zebra-9000"))
    assert len(chunks) >= 3
    assert not any(console_module.may_hold(bits, wanted) for (bits,) in chunks)


def test_reading_on_returns_what_is_new_of_every_writer_and_each_piece_once(database):
    store = ConsoleStore(database)
    store.ensure_schema()
    seen, joined = {}, ""
    for i in range(40):
        with database.transaction():
            store.append_text("r", "ab"[i % 2], [(i + 1, f"ß{i} " + "x" * 20_000 + "\n")])
        if i % 3 == 0:
            text, seen = store.read_after("r", seen)
            joined += text
    text, seen = store.read_after("r", seen)
    joined += text
    assert sorted(joined.splitlines()) == sorted("".join(store.iter_text("r")).splitlines())
    assert store.read_after("r", seen)[0] == ""
