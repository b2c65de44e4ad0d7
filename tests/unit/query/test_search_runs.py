"""Search in what runs say and printed."""

from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.records import ExceptionInfo, Link, Note
from everbloom.core.settings import Settings
from everbloom.ingest.indexer import reindex
from everbloom.journal.edits import append_edit
from everbloom.query.reader import Reader, open_reader
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000


@pytest.fixture(params=["folded", "pending"])
def reader(request: pytest.FixtureRequest, tmp_path: Path):
    """Open a store whose runs are folded into the text index, or all still pending."""

    def open_with(*specs: RunSpec) -> Reader:
        if request.param == "pending":  # what is recorded before the first catch-up of a store is folded at once
            record_run(tmp_path, RunSpec(fields={"name": "first", "project": "apart"}))
            open_reader(Settings(root=tmp_path)).close()
        for at, spec in enumerate(specs):
            record_run(tmp_path, spec, created_us=START_US + at * 1_000_000)
        opened = open_reader(Settings(root=tmp_path))
        pending = opened.readable.index.catalog.read_pending([p.id for p in opened.readable.read_projects()])
        assert len(pending) == (len(specs) if request.param == "pending" else 0)
        return opened

    return open_with


def found(reader: Reader, text: str, **scope) -> list[tuple[str, str]]:
    return [(hit.run.name, hit.where) for hit in reader.search(text, **scope)]


def spec(name: str, **more) -> RunSpec:
    return RunSpec(fields={"name": name, **more.pop("fields", {})}, **more)


def test_every_part_of_a_run_is_searched_and_named(reader):
    parts = [
        spec("xylophone"),
        spec("b", fields={"why": "does xylem help?"}),
        spec("c", note="about\nxyl and more"),
        spec("d", fields={"conclusion": "XYL it is"}),
        spec("e", tags=["xyl"]),
        spec("f", params={"kind": "xyl"}),
        spec("g", params={"xyl": 3}),
        spec("h", records=[Link(url="https://example.org/xyl")]),
        spec("i", end="failed", exception=ExceptionInfo(type="XylError", message="boom", traceback="line 1\nline 2")),
        spec("j", console="one\ntwo xyl\nthree\n"),
        spec("k"),
    ]
    with reader(*parts) as opened:
        assert sorted(found(opened, "xyl")) == [
            ("b", "why"),
            ("c", "note"),
            ("d", "conclusion"),
            ("e", "tag"),
            ("f", "params"),
            ("g", "params"),
            ("h", "link"),
            ("i", "error"),
            ("j", "console"),
            ("xylophone", "name"),
        ]
        (hit,) = (hit for hit in opened.search("xyl") if hit.where == "console")
        assert (hit.line, hit.excerpt) == (2, "two xyl")


def test_words_shorter_than_three_characters_are_found_too(reader):
    with reader(spec("a", note="q7 holds"), spec("b", note="nothing")) as opened:
        assert found(opened, "q7") == [("a", "note")]
        assert found(opened, "q") == [("a", "note")]
        assert found(opened, "q7 hol") == [("a", "note")]


def test_all_words_must_be_there_in_any_case_and_order(reader):
    with reader(spec("a", note="Straße und GARTEN"), spec("b", note="straße")) as opened:
        assert found(opened, "garten STRASSE") == [("a", "note")]
        assert sorted(found(opened, "strasse")) == [("a", "note"), ("b", "note")]
        assert found(opened, "  ") == []
        assert found(opened, "zzz") == []


def test_words_that_stand_in_several_parts_are_found_as_text(reader):
    with reader(spec("apple", note="pear")) as opened:
        assert found(opened, "apple pear") == [("apple", "text")]


def test_signs_of_a_query_language_are_plain_text(reader):
    with reader(spec("a", note='50% "done" (x) a_b -c * NEAR/2')) as opened:
        for text in ("50%", '"done"', "(x)", "a_b", "-c", "*", "NEAR/2", "a_b 50%"):
            assert found(opened, text) == [("a", "note")], text
        assert found(opened, "a%b") == []


def test_matches_in_other_projects_and_namespaces_are_counted(reader):
    runs = [
        spec("a", fields={"project": "news"}, note="plum"),
        spec("b", fields={"project": "vision"}, note="plum"),
        spec("c", fields={"project": "vision", "namespace": "team"}, console="plum\n"),
    ]
    with reader(*runs) as opened:
        result = opened.search("plum", namespace="local", project="news")
        assert [hit.run.name for hit in result] == ["a"]
        assert result.elsewhere == {"local/vision": 1, "team/vision": 1}
        everywhere = opened.search("plum", namespace="local", project="news", everywhere=True)
        assert {hit.run.name for hit in everywhere} == {"a", "b", "c"}
        assert everywhere.elsewhere == {}


def test_a_limit_cuts_the_hits(reader):
    with reader(*(spec(f"r{at}", note="plum") for at in range(5))) as opened:
        assert len(opened.search("plum", limit=3)) == 3
        assert len(opened.search("plum", limit=0)) == 0
        assert len(opened.search("plum")[:2]) == 2


def test_an_edit_counts_at_once_and_the_old_text_no_more(tmp_path):
    run = record_run(tmp_path, spec("a", note="plum"))
    with open_reader(Settings(root=tmp_path)) as opened:
        assert found(opened, "plum") == [("a", "note")]
        append_edit(tmp_path, run, "ann", Note(text="pear"))
        opened.refresh()
        assert found(opened, "plum") == []
        assert found(opened, "pear") == [("a", "note")]


def test_what_scrolled_out_of_the_last_lines_is_found_in_the_console(tmp_path):
    lines = ["early bird\n", *(f"line {at} {'x' * 90}\n" for at in range(9000))]
    record_run(tmp_path, spec("a", console="".join(lines)))
    record_run(tmp_path, spec("b", console="nothing\n"))
    reindex(tmp_path)
    with open_reader(Settings(root=tmp_path)) as opened:
        (hit,) = opened.search("early bird")
        assert (hit.run.name, hit.where, hit.line, hit.excerpt) == ("a", "console", 1, "early bird")
        assert found(opened, "bird early") == []  # in one line, as it was printed
