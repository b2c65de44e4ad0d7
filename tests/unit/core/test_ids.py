"""Ids sort by time, end in random bits, and an import gives the same id again."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.core import ids
from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput
from everbloom.core.ids import (
    check_name,
    check_namespace,
    default_name,
    is_id_end,
    is_run_id,
    is_writer_id,
    new_run_id,
    new_writer_id,
    past_run_id,
)

TIMES = st.integers(0, 2**47 * 1000)


@given(first=TIMES, second=TIMES)
def test_run_ids_sort_by_time(first, second):
    if first // 1000 != second // 1000:
        assert (first < second) == (new_run_id(first) < new_run_id(second))


@given(time=TIMES)
def test_a_run_id_is_a_version_7_uuid_of_its_time(time):
    value = uuid.UUID(new_run_id(time))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == time // 1000


def test_run_ids_do_not_repeat():
    assert len({new_run_id(0) for _ in range(10_000)}) == 10_000
    assert len({run[-6:] for run in (new_run_id(0) for _ in range(100))}) > 95


def test_an_imported_run_has_the_same_id_every_time():
    run = past_run_id(1_600_000_000_000_000, kind="mlflow", place="/data/mlruns", original_id="a1")
    assert run == "0174876e800077d087e152fd4dd12ca0"
    assert is_run_id(run)
    assert run == past_run_id(1_600_000_000_000_000, kind="mlflow", place="/data/mlruns", original_id="a1")


@pytest.mark.parametrize("change", [{"kind": "aim"}, {"place": "/other"}, {"original_id": "a2"}])
def test_an_imported_run_from_elsewhere_has_another_id(change):
    known = {"kind": "mlflow", "place": "/data/mlruns", "original_id": "a1"}
    assert past_run_id(0, **known) != past_run_id(0, **(known | change))


def test_parts_of_an_imported_id_are_not_run_together():
    assert past_run_id(0, kind="a", place="bc", original_id="d") != past_run_id(
        0, kind="ab", place="c", original_id="d"
    )


def test_a_default_name_ends_in_the_ids_end_and_says_nothing_of_its_time():
    run = new_run_id(now_us())
    adjective, noun, end = default_name(run).split("-")
    assert end == run[-4:]
    assert adjective in ids._ADJECTIVES
    assert noun in ids._NOUNS
    assert default_name(run) == default_name(ids.RunId("0" * 20 + run[20:]))


def test_words_of_names_stand_once_and_are_lower_case():
    for words in (ids._ADJECTIVES, ids._NOUNS):
        assert len(set(words)) == len(words)
        assert all(word.isascii() and word.islower() for word in words)


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 31 + "\n", " " + "0" * 31])
def test_what_is_no_run_id_is_not_taken_for_one(text):
    assert not is_run_id(text)


def test_writer_ids_and_ends_are_told_by_their_form():
    assert is_writer_id(new_writer_id())
    assert not is_writer_id("0" * 15)
    assert is_id_end("abc123")
    assert not is_id_end("abc12")
    assert not is_id_end("ABC123")


@pytest.mark.parametrize("name", ["a", "a b", "a/b", "🌱", "quo'te\"", "x" * 256, "日本語"])
def test_a_name_of_any_visible_characters_is_kept(name):
    assert check_name(f"  {name} ", what="run") == name


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "name.empty"), ("  \t", "name.empty"), ("x" * 257, "name.too_long"), ("a\nb", "name.unprintable")],
)
def test_a_name_that_nobody_could_type_is_refused_by_code(name, code):
    with pytest.raises(InvalidInput) as raised:
        check_name(name, what="project")
    assert raised.value.code == code
    assert raised.value.fields["what"] == "project"


@pytest.mark.parametrize(("name", "code"), [("api", "namespace.reserved"), ("a/b", "namespace.slash")])
def test_a_namespace_is_one_part_of_an_address(name, code):
    with pytest.raises(InvalidInput) as raised:
        check_namespace(name)
    assert raised.value.code == code
    assert check_namespace(" team ") == "team"
