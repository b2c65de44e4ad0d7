"""What a person types to mean a run."""

from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import Ambiguous, NotFound
from everbloom.core.ids import RunId
from everbloom.core.settings import Settings
from everbloom.query.reader import Reader, open_reader
from everbloom.query.references import short_end
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000
A = RunId("0190000000007000800000000abcdef1")
B = RunId("0190000000007000800000001abcdef1")
C = RunId("01900000000070008000000000123456")


def record(root: Path, run: RunId, name: str, at: int, project: str = "news") -> None:
    record_run(root, RunSpec(fields={"name": name, "project": project}), run=run, created_us=START_US + at * 1_000_000)


def reader(root: Path) -> Reader:
    return open_reader(Settings(root=root))


def test_a_full_id_a_name_and_an_ends_6_digits_mean_a_run(tmp_path):
    record(tmp_path, A, "amber", 0)
    record(tmp_path, C, "cedar", 1)
    with reader(tmp_path) as opened:
        for reference in (A, "amber", "abcdef1", "bcdef1", "ABCDEF1", " amber "):
            found = opened.find_run(reference)
            assert (found.run.id, found.others) == (A, [])
            assert opened.find_run_to_edit(reference).id == A


def test_a_name_goes_before_an_end_and_a_full_id_before_both(tmp_path):
    record(tmp_path, A, "123456", 0)
    record(tmp_path, C, "cedar", 1)
    record(tmp_path, B, C, 2)  # named like another one's id
    with reader(tmp_path) as opened:
        assert opened.find_run("123456").run.id == A
        assert opened.find_run(C).run.id == C
        assert opened.find_run_to_edit("123456").id == A


def test_reading_takes_the_newest_first_of_the_current_project_and_tells_the_others(tmp_path):
    record(tmp_path, A, "same", 0, "news")
    record(tmp_path, B, "same", 1, "vision")
    record(tmp_path, C, "same", 2, "vision")
    with reader(tmp_path) as opened:
        assert [run.id for run in (opened.find_run("same").run, *opened.find_run("same").others)] == [C, B, A]
        near = opened.find_run("same", project="news")
        assert (near.run.id, [run.id for run in near.others]) == (A, [C, B])
        assert opened.find_run("same", project="nowhere").run.id == C
        assert opened.find_run("abcdef1").run.id == B


def test_writing_refuses_to_choose_and_lists_the_candidates(tmp_path):
    record(tmp_path, A, "same", 0, "news")
    record(tmp_path, B, "same", 1, "vision")
    with reader(tmp_path) as opened:
        for reference in ("same", "abcdef1"):
            with pytest.raises(Ambiguous) as told:
                opened.find_run_to_edit(reference, project="news")
            assert told.value.code == "run.ambiguous"
            assert [one["id"] for one in told.value.fields["candidates"]] == [A, B]
            assert "00000000abcdef1" not in told.value.message  # ends are as short as tells them apart
            assert "0abcdef1  same  local/news" in told.value.message
            assert "1abcdef1  same  local/vision" in told.value.message


def test_nothing_that_fits_names_what_is_close(tmp_path):
    record(tmp_path, A, "amber-heron-7c1e", 0)
    with reader(tmp_path) as opened:
        with pytest.raises(NotFound, match="Did you mean amber-heron-7c1e") as told:
            opened.find_run("amber-heron-7c1f")
        assert told.value.fields["suggestions"] == ["amber-heron-7c1e"]
        with pytest.raises(NotFound, match="needs at least 6 digits"):
            opened.find_run("cdef1")
        for odd in ("", "  ", "%", "moved:", "'", "é" * 300, "\0"):
            with pytest.raises(NotFound):
                opened.find_run(odd)


def test_many_candidates_are_cut_in_the_message_and_whole_in_the_fields(tmp_path):
    for at in range(12):
        record(tmp_path, RunId(f"01900000000070008000{at:012x}"), "same", at)
    with reader(tmp_path) as opened, pytest.raises(Ambiguous, match="and 2 more") as told:
        opened.find_run_to_edit("same")
    assert len(told.value.fields["candidates"]) == 12


def test_ends_are_as_long_as_it_takes():
    assert short_end(A, [A, C]) == "bcdef1"
    assert short_end(A, [A, B]) == "0abcdef1"
