"""What a reader answers, the same on both engines."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, NotFound, Unavailable
from everbloom.core.records import Like, Link, Note, Problem, Rewind, Set, Tag
from everbloom.core.settings import Settings
from everbloom.index.window import SeriesKey, Window
from everbloom.ingest.indexer import reindex
from everbloom.journal.edits import append_edit
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import RunSpec, open_run, record_run

START_US = now_us() - 3_600_000_000


@pytest.fixture
def settings(database_place: Path | str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_store_database(database_place) as database:
        yield Settings(root=tmp_path / "store", database=database)


def spec(name: str, project: str = "news", **more) -> RunSpec:
    fields = {"name": name, "project": project, **more.pop("fields", {})}
    return RunSpec(fields=fields, **more)


def record_all(root: Path, *specs: RunSpec) -> list[str]:
    return [record_run(root, one, created_us=START_US + at * 1_000_000) for at, one in enumerate(specs)]


def names(page) -> list[str]:
    return [run.name for run in page.runs]


def test_an_empty_store_reads_as_no_runs(settings):
    with open_reader(settings) as reader:
        page = reader.list_runs(RunQuery())
        assert (page.runs, page.total, page.elsewhere) == ([], 0, {})
        assert reader.best_runs(RunQuery()) == []
        assert list(reader.search("anything")) == []
        with pytest.raises(NotFound, match="no run has the id or name 'x'"):
            reader.find_run("x")


def test_a_run_is_read_back_as_it_was_recorded(settings):
    recorded = spec(
        "amber",
        fields={"why": "does it help?", "experiment": "deep", "user": "ann", "domain": "text"},
        params={"lr": 0.1, "opt": "adam", "flag": True, "none": None},
        tags=["b", "a"],
        note="first\nsecond",
        metrics={"val/acc": [0.5, float("nan"), 0.9], "system/memory.bytes": [1.0, 2.0]},
    )
    (run_id,) = record_all(settings.root, recorded)
    with open_reader(settings) as reader:
        (run,) = reader.list_runs(RunQuery()).runs
        assert (run.id, run.name, run.namespace, run.project, run.experiment) == (
            run_id,
            "amber",
            "local",
            "news",
            "deep",
        )
        assert run.params == {"lr": 0.1, "opt": "adam", "flag": True, "none": None}
        assert (run.tags, run.note, run.why, run.user, run.domain) == (
            ["a", "b"],
            "first\nsecond",
            "does it help?",
            "ann",
            "text",
        )
        assert (run.state, run.cause, run.end.exit_code, run.end.witness) == ("finished", "exit", 0, "process")
        assert set(run.summary) == {"val/acc"}
        assert run.summary["val/acc"].max == 0.9
        assert run.summary["val/acc"].best == 0.9
        assert run.system["memory.bytes"].last == 2.0
        assert run.duration_s == 4.0
        assert (run.ended_at - run.created_at).total_seconds() == 4.0
        series = run.series("val/acc")
        assert series.steps.tolist() == [0, 1, 2]
        assert np.array_equal(series.values, [0.5, np.nan, 0.9], equal_nan=True)
        assert np.diff(series.times).tolist() == [1_000_000, 1_000_000]


def test_pages_put_together_are_the_whole_order(settings):
    record_all(settings.root, *(spec(f"r{i}", params={"x": i % 3}) for i in range(7)))
    with open_reader(settings) as reader:
        whole = names(reader.list_runs(RunQuery(sort="-params.x,name")))
        pages = [reader.list_runs(RunQuery(sort="-params.x,name", offset=at, limit=2)) for at in (0, 2, 4, 6, 8)]
        assert [name for page in pages for name in names(page)] == whole
        assert {page.total for page in pages} == {7}
        assert names(reader.list_runs(RunQuery())) == [f"r{i}" for i in reversed(range(7))]


def test_archived_runs_are_left_out_unless_they_are_asked_for(settings):
    old, _ = record_all(settings.root, spec("old"), spec("new"))
    append_edit(settings.root, old, "ann", Set(fields={"archived": True}))
    with open_reader(settings) as reader:
        assert names(reader.list_runs(RunQuery())) == ["new"]
        assert names(reader.list_runs(RunQuery(archived=True))) == ["old"]
        assert names(reader.list_runs(RunQuery(archived=None))) == ["new", "old"]
        assert names(reader.list_runs(RunQuery("archived = true"))) == ["old"]
        assert names(reader.list_runs(RunQuery("not (archived = true) and name ~ o"))) == []


def test_matches_elsewhere_are_counted_by_namespace_and_project(settings):
    record_all(
        settings.root,
        spec("a", params={"x": 1}),
        spec("b", "vision", params={"x": 1}),
        spec("c", "vision", params={"x": 2}),
        spec("d", "vision", fields={"namespace": "team"}, params={"x": 1}),
    )
    with open_reader(settings) as reader:
        page = reader.list_runs(RunQuery("params.x = 1", namespace="local", project="news"))
        assert (names(page), page.elsewhere) == (["a"], {"local/vision": 1, "team/vision": 1})
        page = reader.list_runs(RunQuery("params.x = 1", namespace="local", project="news", everywhere=True))
        assert (names(page), page.elsewhere) == (["d", "b", "a"], {})
        assert names(reader.list_runs(RunQuery(project="vision"))) == ["d", "c", "b"]


def test_what_may_not_be_read_is_neither_counted_nor_named_nor_found(settings):
    open_id, secret_id = record_all(
        settings.root,
        spec("open", params={"shared": 1}, note="a plum", console="plum jam\n"),
        spec("secret", fields={"namespace": "team"}, params={"hidden": 1}, note="a plum", console="plum jam\n"),
    )
    with open_reader(settings, namespaces=frozenset({"local"})) as reader:
        page = reader.list_runs(RunQuery(everywhere=True))
        assert (names(page), page.elsewhere, page.total) == (["open"], {}, 1)
        assert names(reader.list_runs(RunQuery('console ~ "plum"'))) == ["open"]
        result = reader.search("plum", namespace="nowhere")
        assert (list(result), result.elsewhere) == ([], {"local/news": 1})
        assert [offer.text for offer in reader.complete("params.", 7)] == ["params.shared"]
        for ask in (reader.find_run, reader.find_run_to_edit, reader.read_detail, reader.list_artifacts):
            with pytest.raises(NotFound):
                ask(secret_id)
        with pytest.raises(NotFound) as told:
            reader.find_run("secre")
        assert told.value.fields["suggestions"] == []
        with pytest.raises(NotFound):
            reader.compare([open_id, secret_id])
        with pytest.raises(NotFound):
            reader.read_window([SeriesKey(secret_id, "loss")], Window())
        assert reader.read_runs([secret_id, open_id]) == page.runs


def test_parameters_that_vary_among_all_matches_are_named(settings):
    record_all(
        settings.root,
        spec("a", params={"lr": 0.1, "depth": 2, "opt": "adam", "one": 1, "maybe": 1}),
        spec("b", params={"lr": 0.2, "depth": 2, "opt": "sgd", "one": 1.0}),
        spec("c", params={"lr": 0.2, "depth": 3, "opt": "sgd", "one": 1}),
    )
    with open_reader(settings) as reader:
        assert reader.list_runs(RunQuery()).varying == ["depth", "lr", "maybe", "opt"]
        # The page shows b and a only, or c alone; that the others differ is known from the columns.
        assert reader.list_runs(RunQuery(limit=1)).varying == ["depth", "lr", "opt"]
        assert reader.list_runs(RunQuery("params.depth = 2", limit=1)).varying == ["lr", "opt"]
        assert reader.list_runs(RunQuery("name = a")).varying == []


def test_a_bad_filter_names_the_keys_that_runs_have(settings):
    record_all(settings.root, spec("a", metrics={"val/accuracy": [1.0]}))
    with open_reader(settings) as reader, pytest.raises(InvalidInput) as told:
        reader.list_runs(RunQuery("accuracy > 0.5"))
    assert told.value.code == "filter.unknown_key"
    assert "metrics.val/accuracy" in told.value.fields["suggestions"]


def test_details_hold_what_was_said_of_a_run_and_when(settings):
    (run_id,) = record_all(
        settings.root,
        spec(
            "a",
            fields={"objectives": {"val/acc": "max"}},
            records=[
                Link(url="https://example.org/1", title="ticket"),
                Problem(code="value.not_scalar", message="a list", count=2),
                Note(text="one"),
            ],
        ),
    )
    append_edit(settings.root, run_id, "bo", Note(text="two", append=True))
    append_edit(settings.root, run_id, "bo", Like(user="bo"))
    append_edit(settings.root, run_id, "bo", Set(fields={"conclusion": "it helps", "verdict": "supported"}))
    with open_reader(settings) as reader:
        detail = reader.read_detail(run_id)
    assert [link.title for link in detail.links] == ["ticket"]
    assert [(problem.code, problem.count) for problem in detail.problems] == [("value.not_scalar", 2)]
    assert (detail.run.note, detail.note_version) == ("one\n\ntwo", 2)
    assert detail.likes == {"": ["bo"]}
    assert detail.run.is_liked
    assert detail.objectives == {"val/acc": "max"}
    assert (detail.run.conclusion, detail.run.verdict) == ("it helps", "supported")
    edits = [(change.field, change.value) for change in detail.history if change.number]
    assert edits == [("note", "one\n\ntwo"), ("conclusion", "it helps"), ("verdict", "supported")]
    assert detail.end is not None
    assert detail.rewound_from is None
    assert detail.damage == ()
    assert detail.last_heard_at == detail.run.ended_at


def test_points_that_a_rewind_took_back_are_greyed_and_out_of_summaries(settings):
    (run_id,) = record_all(settings.root, spec("a", metrics={"loss": [5.0, 4.0, 1.0, 0.5]}, end="killed"))
    resumed = RunSpec(records=[Rewind(step=1)])
    with_more = open_run(settings.root, resumed, run=run_id, created_us=START_US + 60_000_000)
    with_more.append_row(2, START_US + 90_000_000, {"loss": 3.0})
    with_more.close()
    with open_reader(settings) as reader:
        series = reader.read_series(run_id, "loss")
        assert series.values[series.greyed].tolist() == [1.0, 0.5]
        run = reader.find_run("a").run
        assert run.series("loss").values.tolist() == [5.0, 4.0, 3.0]
        assert run.summary["loss"].min == 3.0
        assert [(info.metric, info.n, info.last_step) for info in reader.list_metrics(run_id)] == [("loss", 3, 2)]
        envelope = reader.read_window([SeriesKey(run_id, "loss")], Window(axis="relative"))
        assert envelope.series[0].min.min() == 3.0
        assert reader.read_detail(run_id).rewound_from == 1


def test_another_source_of_a_metric_is_read_by_its_rank(settings):
    (run_id,) = record_all(settings.root, spec("a", metrics={"loss": [1.0]}))
    record_run(settings.root, RunSpec(metrics={"loss": [7.0]}, rank=3), run=run_id, created_us=START_US)
    with open_reader(settings) as reader:
        assert reader.find_run("a").run.series("loss", rank=3).values.tolist() == [7.0]
        with pytest.raises(NotFound, match="from ranks 0, 3, not from 2"):
            reader.read_series(run_id, "loss", 2)
        with pytest.raises(NotFound, match="Did you mean 'loss'"):
            reader.read_series(run_id, "los")


def test_a_reader_sees_a_running_run_change_when_it_is_refreshed(settings):
    writer = open_run(settings.root, spec("live", end=None))
    with open_reader(settings) as reader:
        assert [run.state for run in reader.list_runs(RunQuery("live")).runs] == ["running"]
        assert not reader.refresh()
        writer.append_row(0, None, {"loss": 2.0})
        assert reader.refresh()
        assert reader.find_run("live").run.summary["loss"].last == 2.0
        append_edit(settings.root, writer.run, "ann", Tag(add=["seen"]))
        assert reader.refresh()
        assert reader.find_run("live").run.tags == ["seen"]
        assert not reader.refresh()
        writer.close()


def test_without_catching_up_the_index_is_read_as_it_stands(settings):
    record_all(settings.root, spec("a"))
    with open_reader(settings):
        pass
    record_all(settings.root, spec("b"))
    with open_reader(settings, catch_up=False) as reader:
        assert names(reader.list_runs(RunQuery())) == ["a"]
        assert reader.refresh()
        assert set(names(reader.list_runs(RunQuery()))) == {"a", "b"}


def test_a_reader_goes_on_after_the_index_was_built_anew(settings):
    record_all(settings.root, spec("a"))
    with open_reader(settings) as reader:
        assert names(reader.list_runs(RunQuery())) == ["a"]
        record_all(settings.root, spec("b"))
        reindex(settings.root, settings.database)
        reader.refresh()
        assert set(names(reader.list_runs(RunQuery()))) == {"a", "b"}


def test_a_closed_reader_says_so(settings):
    record_all(settings.root, spec("a"))
    with open_reader(settings) as reader:
        run = reader.find_run("a").run
    with pytest.raises(Unavailable, match="the reader was closed"):
        run.series("loss")
    reader.close()


def test_a_run_that_moved_to_another_project_is_counted_once(settings):
    run_id, _ = record_all(settings.root, spec("a"), spec("b"))
    with open_reader(settings) as reader:
        append_edit(settings.root, run_id, "ann", Set(fields={"project": "vision"}))
        reader.refresh()
        assert names(reader.list_runs(RunQuery(project="vision"))) == ["a"]
        page = reader.list_runs(RunQuery(project="news"))
        assert (names(page), page.total, page.elsewhere) == (["b"], 1, {"local/vision": 1})
        assert names(reader.list_runs(RunQuery("not params.x = 1"))) == ["b", "a"]


@pytest.mark.parametrize(("offset", "limit"), [(-1, 3), (0, -1)])
def test_a_negative_page_is_refused(settings, offset, limit):
    with open_reader(settings) as reader, pytest.raises(InvalidInput, match="at least 0"):
        reader.list_runs(RunQuery(offset=offset, limit=limit))


SEARCHED = {
    "name": spec("forest fire"),
    "tag": spec("x", tags=["forest"]),
    "note": spec("x", note="a forest of trees"),
    "params": spec("x", params={"model": "forest"}),
    "console": spec("x", console="growing a forest\n"),
    "console_far_above": spec("x", console="growing a forest\n" + "and on\n" * 500),
}


@pytest.mark.parametrize("first_folded", [0, 20, 60])
def test_search_orders_by_where_it_matches_and_then_by_time_before_any_limit(settings, first_folded):
    """The same list on both engines, whichever runs the text index holds already."""
    kinds = [list(SEARCHED)[at * 7 % len(SEARCHED)] for at in range(60)]
    ids = []
    for at, kind in enumerate(kinds):
        if at == first_folded:
            open_reader(settings).close()  # folds what is there; what follows is pending
        ids.append(record_run(settings.root, SEARCHED[kind], created_us=START_US + at * 1_000_000))
    places = ["name", "tag", "note", "params", "console"]
    expected = [
        (ids[at], place) for place in places for at in reversed(range(len(kinds))) if kinds[at].startswith(place)
    ]
    with open_reader(settings) as reader:
        for limit in (1000, 60, 41, 20, 7, 1):
            assert [(hit.run.id, hit.where) for hit in reader.search("forest", limit=limit)] == expected[:limit]
