"""Editing runs from the command line: visible at once, refused where it is not clear which run is meant."""

import pytest

from everbloom.core.records import Set
from everbloom.testing.command_line import run_cli
from everbloom.testing.stores import RunSpec, record_run


@pytest.fixture
def store(tmp_path):
    for name in ("one", "two"):
        record_run(tmp_path, RunSpec(fields={"name": name, "project": "news"}, tags=["old"], metrics={"acc": [0.5]}))
    return tmp_path


def read(store, name):
    return run_cli(store, "show", name, "--json").data


def test_a_tag_is_added_and_removed_and_seen_at_once(store):
    answer = run_cli(store, "tag", "one", "+baseline", "-old")
    assert (answer.code, answer.out) == (0, "one: +baseline, -old\n")
    assert read(store, "one")["tags"] == ["baseline"]
    assert [run["name"] for run in run_cli(store, "ls", "tag = baseline", "--json").data] == ["one"]


def test_tags_with_blanks_and_odd_first_letters_can_be_given_as_options(store):
    assert run_cli(store, "tag", "one", "--add", "needs review", "--add=-p", "--remove", "old").code == 0
    assert read(store, "one")["tags"] == ["-p", "needs review"]


def test_a_removed_tag_that_begins_like_an_option_is_a_tag(store):
    run_cli(store, "tag", "one", "+prod", "+x")
    assert run_cli(store, "tag", "one", "-prod", "-x", "-p", "news").code == 0
    assert read(store, "one")["tags"] == ["old"]


def test_several_runs_are_tagged_at_once(store):
    rows = run_cli(store, "tag", "one", "two", "+both", "--json").data
    assert [row["name"] for row in rows] == ["one", "two"]
    assert {row["author"] for row in rows} == {"tester"}
    assert read(store, "two")["tags"] == ["both", "old"]


def test_tag_without_tags_prints_them(store):
    assert run_cli(store, "tag", "one", "two").out == "one: old\ntwo: old\n"


def test_a_tag_without_its_sign_is_not_taken_for_a_run(store):
    answer = run_cli(store, "tag", "one", "baseline")
    assert answer.code == 2
    assert "write +baseline" in answer.err


def test_no_run_is_changed_where_one_of_several_does_not_exist(store):
    answer = run_cli(store, "tag", "one", "three", "+x")
    assert answer.code == 3
    assert read(store, "one")["tags"] == ["old"]


def test_a_tag_cannot_be_added_and_removed_at_once(store):
    assert run_cli(store, "tag", "one", "+x", "-x").code == 2


def test_notes_are_added_to_and_written_anew(store):
    run_cli(store, "note", "one", "first", "thought")
    run_cli(store, "note", "one", "second thought")
    assert read(store, "one")["note"] == "first thought\n\nsecond thought"
    run_cli(store, "note", "one", "--replace", "only this")
    assert run_cli(store, "note", "one").out == "only this\n"
    assert run_cli(store, "note", "one", "--json").data["note"] == "only this"


def test_a_note_is_read_from_standard_input(store):
    run_cli(store, "note", "one", "-", stdin="from a pipe\nin two lines\n")
    assert read(store, "one")["note"] == "from a pipe\nin two lines"


def test_a_note_goes_to_several_runs(store):
    run_cli(store, "note", "one", "same data", "--also", "two")
    assert [read(store, name)["note"] for name in ("one", "two")] == ["same data"] * 2


def test_an_empty_note_is_refused(store):
    assert run_cli(store, "note", "one", "-", stdin="\n").code == 2


def test_a_note_is_edited_in_the_editor(store, tmp_path):
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\necho "and edited" >> "$1"\n')
    editor.chmod(0o755)
    run_cli(store, "note", "one", "written")
    answer = run_cli(store, "note", "one", "--edit", variables={"EDITOR": str(editor), "VISUAL": str(editor)})
    assert answer.code == 0, answer.err
    assert read(store, "one")["note"].splitlines() == ["written", "and edited"]


def test_an_edited_note_that_somebody_changed_meanwhile_is_refused_with_both_texts(store, tmp_path):
    from everbloom.testing.command_line import SCRIPT

    editor = tmp_path / "editor.sh"
    editor.write_text(f'#!/bin/sh\n"{SCRIPT}" note one --replace theirs\necho "mine" > "$1"\n')
    editor.chmod(0o755)
    answer = run_cli(store, "note", "one", "--edit", variables={"EDITOR": str(editor), "VISUAL": str(editor)})
    assert answer.code == 4
    assert "mine" in answer.err
    assert "theirs" in answer.err
    assert read(store, "one")["note"] == "theirs"


def test_an_editor_that_changes_nothing_writes_nothing(store):
    run_cli(store, "note", "one", "written")
    answer = run_cli(store, "note", "one", "--edit", variables={"EDITOR": "true", "VISUAL": "true"})
    assert "left as it was" in answer.err
    assert read(store, "one")["note_version"] == 1


def test_likes_are_given_and_taken_back_by_their_author(store):
    run_cli(store, "like", "one", "two")
    run_cli(store, "like", "one", variables={"EVERBLOOM_USER": "ada"})
    assert read(store, "one")["liked_by"] == {"": ["ada", "tester"]}
    run_cli(store, "unlike", "one")
    assert read(store, "one")["liked_by"] == {"": ["ada"]}
    assert read(store, "two")["likes"] == 1


def test_a_part_of_a_run_is_liked(store):
    run_cli(store, "like", "one", "--target", "metric:acc")
    run = read(store, "one")
    assert run["liked_by"] == {"metric:acc": ["tester"]}
    assert run["likes"] == 0


def test_a_metric_that_a_run_has_not_is_not_liked(store):
    answer = run_cli(store, "like", "one", "--target", "metric:acx")
    assert answer.code == 2
    assert "run one has no metric 'acx'; only what a run logged can be liked. Did you mean acc?" in answer.err
    assert read(store, "one")["liked_by"] == {}
    assert run_cli(store, "unlike", "one", "--target", "metric:acx").code == 0


def test_a_conclusion_has_a_verdict(store):
    answer = run_cli(store, "conclude", "one", "it", "holds", "--verdict", "supported", "--also", "two")
    assert answer.out == "one: concluded (supported)\ntwo: concluded (supported)\n"
    run = read(store, "two")
    assert (run["conclusion"], run["verdict"]) == ("it holds", "supported")


def test_an_unknown_verdict_names_the_known_ones(store):
    answer = run_cli(store, "conclude", "one", "x", "--verdict", "maybe")
    assert answer.code == 2
    assert "inconclusive" in answer.err


def test_archived_runs_leave_the_list_and_come_back(store):
    run_cli(store, "archive", "one")
    assert [run["name"] for run in run_cli(store, "ls", "--json").data] == ["two"]
    assert [run["name"] for run in run_cli(store, "ls", "--archived", "--json").data] == ["one"]
    run_cli(store, "archive", "one", "--undo")
    assert len(run_cli(store, "ls", "--json").data) == 2


def test_edits_stand_in_the_history(store):
    run_cli(store, "conclude", "one", "first")
    run_cli(store, "conclude", "one", "second")
    history = [change for change in read(store, "one")["history"] if change["field"] == "conclusion"]
    assert [change["value"] for change in history] == ["first", "second"]
    assert 0 < history[0]["number"] < history[1]["number"]
    assert "second" in run_cli(store, "show", "one").out


def test_an_edit_stands_over_what_a_running_run_says(tmp_path):
    run = record_run(tmp_path, RunSpec(fields={"name": "live", "why": "old"}, end=None))
    run_cli(tmp_path, "conclude", "live", "by hand")
    record_run(tmp_path, RunSpec(records=[Set(fields={"conclusion": "by itself"})]), run=run)
    assert read(tmp_path, "live")["conclusion"] == "by hand"


@pytest.fixture
def twins(tmp_path):
    for project in ("news", "vision"):
        record_run(tmp_path, RunSpec(fields={"name": "twin", "project": project}))
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [["tag", "twin", "+x"], ["note", "twin", "x"], ["like", "twin"], ["conclude", "twin", "x"], ["archive", "twin"]],
)
def test_an_ambiguous_reference_is_refused_on_writing_and_lists_the_candidates(twins, command):
    before = run_cli(twins, "ls", "--json").data
    answer = run_cli(twins, *command)
    assert answer.code == 4
    assert "run.ambiguous" in answer.err
    assert all(run["id"][-6:] in answer.err for run in before)
    assert "local/news" in answer.err
    assert "local/vision" in answer.err
    assert run_cli(twins, "ls", "--json").data == before


def test_an_ambiguous_reference_takes_the_newest_on_reading_and_says_so(twins):
    answer = run_cli(twins, "show", "twin", "--json")
    assert answer.data["project"] == "vision"
    assert "twin fits 2 runs" in answer.err


def test_an_ambiguous_reference_prefers_the_current_project_on_reading(twins):
    assert run_cli(twins, "show", "twin", "-p", "news", "--json").data["project"] == "news"


def test_the_end_of_an_id_settles_which_twin_is_meant(twins):
    chosen = run_cli(twins, "ls", "-p", "news", "--json").data[0]
    assert run_cli(twins, "tag", chosen["id"][-12:], "+chosen").code == 0
    assert run_cli(twins, "ls", "tag = chosen", "--json").data[0]["id"] == chosen["id"]


def test_a_note_larger_than_a_record_is_refused_and_nothing_is_written(store):
    answer = run_cli(store, "note", "one", "-", stdin="x" * 100_000)
    assert answer.code == 2
    assert "record.too_large" in answer.err
    assert read(store, "one")["note"] == ""
