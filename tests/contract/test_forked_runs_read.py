"""A forked run has the points of its source up to where it leaves it: in series, summaries, tables, filters, charts."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import (
    End,
    EndState,
    ExceptionInfo,
    File,
    Params,
    Record,
    Reference,
    Rewind,
    Set,
)
from everbloom.core.settings import Settings
from everbloom.index.window import SeriesKey, Window
from everbloom.ingest.indexer import reindex
from everbloom.journal.edits import append_edit
from everbloom.query.reader import Reader, RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import SECOND_US, RunSpec, open_run

START_US = now_us() - 36_000 * SECOND_US


@pytest.fixture
def settings(database_place: Path | str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_store_database(database_place) as database:
        yield Settings(root=tmp_path / "store", database=database)


def log_run(
    root: Path,
    name: str,
    rows: dict[int, dict[str, float]],
    *,
    at_s: int = 0,
    fork: tuple[str, int] | None = None,
    run: RunId | None = None,
    rewind: int | None = None,
    **fields: object,
) -> RunId:
    """Record rows by step, one a second from `at_s` seconds after the test's start."""
    start_us = START_US + at_s * SECOND_US
    said = [Set(fields={"name": name, "project": "p", **fields})]
    said += [Reference(uri=f"everbloom:{fork[0]}", kind="fork", checksum=f"step {fork[1]}")] if fork else []
    said += [Rewind(step=rewind)] if rewind is not None else []
    writer = open_run(root, RunSpec(end=None, records=said), run=run, created_us=start_us)
    for second, (step, values) in enumerate(rows.items()):
        writer.append_row(step, start_us + (second + 1) * SECOND_US, values)
    writer.close()
    return writer.run


def losses(first: int, *values: float) -> dict[int, dict[str, float]]:
    return {first + i: {"loss": value} for i, value in enumerate(values)}


def read_loss(reader: Reader, run: str) -> tuple[float, ...]:
    loss = reader.read_runs([run])[0].summary["loss"]
    return loss.n, loss.first, loss.last, loss.min, loss.max, loss.mean, loss.best, loss.last_step


def test_a_forks_summaries_are_over_what_it_shares_and_its_own_points(settings):
    source = log_run(settings.root, "source", losses(0, 8.0, 1.0, 6.0, 100.0))
    fork = log_run(settings.root, "fork", losses(3, 3.0, 2.0), at_s=100, fork=(source, 2))
    with open_reader(settings) as reader:
        assert read_loss(reader, fork) == (5, 8.0, 2.0, 1.0, 8.0, 4.0, 1.0, 4)
        assert read_loss(reader, source) == (4, 8.0, 100.0, 1.0, 100.0, 28.75, 1.0, 3)


def test_what_only_the_source_logged_stands_in_the_forks_lists_as_well(settings):
    source = log_run(settings.root, "source", {0: {"loss": 2.0}, 1: {"acc": 0.5}, 2: {"late": 1.0}})
    fork = log_run(settings.root, "fork", losses(2, 1.0), at_s=60, fork=(source, 1))
    with open_reader(settings) as reader:
        run = reader.find_run("fork").run
        assert sorted(run.summary) == ["acc", "loss"]
        assert [info.metric for info in reader.list_metrics(fork)] == ["acc", "loss"]
        assert run.series("acc").values.tolist() == [0.5]
        assert [row.name for row in reader.list_runs(RunQuery("metrics.acc.max >= 0.5")).runs] == ["fork", "source"]
        assert "metrics.acc.max" in [column.key for column in reader.list_columns(RunQuery("name = fork")).columns]
        assert reader.read_sparks([run], "loss") != [None]


def test_filters_sorting_and_the_page_see_the_same_numbers(settings):
    source = log_run(settings.root, "source", losses(0, 9.0, 0.5, 7.0))
    for name, step, own in (("early", 0, 4.0), ("late", 1, 6.0)):
        log_run(settings.root, name, losses(step + 1, own), at_s=60 + step, fork=(source, step))
    with open_reader(settings) as reader:
        assert [run.name for run in reader.list_runs(RunQuery("metrics.loss.min > 1")).runs] == ["early"]
        assert [run.name for run in reader.list_runs(RunQuery("", sort="metrics.loss.min,metrics.loss.last")).runs] == [
            "late",
            "source",
            "early",
        ]
        for run in reader.list_runs(RunQuery()).runs:
            assert run.series("loss").values.min() == run.summary["loss"].min
            assert len(run.series("loss")) == run.summary["loss"].n


def test_a_source_that_is_taken_in_after_its_fork_is_counted_then(settings):
    source = new_run_id(START_US)
    fork = log_run(settings.root, "fork", losses(5, 3.0), at_s=50, fork=(source, 4))
    with open_reader(settings) as reader:
        assert read_loss(reader, fork)[:2] == (1, 3.0)
        detail = reader.read_detail(fork)
        assert (detail.forked_from.name, detail.forked_from.step, detail.forked_from.is_shared) == (None, 4, False)
        log_run(settings.root, "source", losses(0, 7.0, 8.0), run=source)
        assert reader.refresh()
        assert read_loss(reader, fork)[:2] == (3, 7.0)
        assert reader.read_detail(fork).forked_from.name == "source"
        assert reader.read_detail(fork).forked_from.is_shared


def test_a_source_that_grows_below_the_fork_grows_it_and_above_it_leaves_it_alone(settings):
    writer = open_run(settings.root, RunSpec(fields={"name": "source"}, end=None), created_us=START_US)
    writer.append_row(0, START_US, {"loss": 9.0})
    fork = log_run(settings.root, "fork", losses(11, 1.0), at_s=5, fork=(writer.run, 10))
    with open_reader(settings) as reader:
        assert read_loss(reader, fork)[0] == 2
        writer.append_row(10, START_US + 1, {"loss": 8.0})
        reader.refresh()
        assert read_loss(reader, fork)[0] == 3
        before = reader.read_runs([fork])[0]
        writer.append_row(11, START_US + 2, {"loss": 700.0})
        assert reader.refresh()
        assert reader.read_runs([fork])[0] == before
        writer.append_row(3, START_US + 3, {"loss": 500.0})
        reader.refresh()
        assert read_loss(reader, fork)[4] == 500.0
    writer.close()


def test_what_the_source_had_taken_back_before_is_no_part_of_a_fork(settings):
    source = log_run(settings.root, "source", losses(0, 9.0, 8.0, 1.0))
    log_run(settings.root, "source", losses(2, 6.0), at_s=10, run=source, rewind=1)
    fork = log_run(settings.root, "fork", losses(3, 4.0), at_s=20, fork=(source, 2))
    with open_reader(settings) as reader:
        assert read_loss(reader, fork)[:4] == (4, 9.0, 4.0, 4.0)
        assert reader.find_run("fork").run.series("loss").values.tolist() == [9.0, 8.0, 6.0, 4.0]


def test_a_fork_keeps_what_it_went_on_from_when_the_source_goes_back_over_it_later(settings):
    source = log_run(settings.root, "source", losses(0, 9.0, 8.0, 1.0))
    fork = log_run(settings.root, "fork", losses(3, 4.0), at_s=20, fork=(source, 2))
    with open_reader(settings) as reader:
        before = reader.read_runs([fork])
        log_run(settings.root, "source", losses(1, 50.0, 6.0), at_s=40, run=source, rewind=0)
        reader.refresh()
        assert read_loss(reader, source)[:5] == (3, 9.0, 6.0, 6.0, 50.0)
        assert reader.read_runs([fork]) == before
        series = reader.read_series(fork, "loss")
        assert (series.values.tolist(), series.greyed.any()) == ([9.0, 8.0, 1.0, 4.0], False)
        window = reader.read_window([SeriesKey(fork, "loss")], Window())
        assert window.series[0].last.tolist() == [9.0, 8.0, 1.0, 4.0]


def test_a_fork_of_a_fork_shares_what_both_before_it_do(settings):
    first = log_run(settings.root, "first", losses(0, 9.0, 8.0, 7.0, 6.0))
    second = log_run(settings.root, "second", losses(3, 5.0, 4.0, 3.0), at_s=20, fork=(first, 2))
    third = log_run(settings.root, "third", losses(4, 1.0), at_s=40, fork=(second, 3))
    early = log_run(settings.root, "early", losses(2, 2.0), at_s=60, fork=(second, 1))
    with open_reader(settings) as reader:
        assert reader.read_series(third, "loss").values.tolist() == [9.0, 8.0, 7.0, 5.0, 1.0]
        assert read_loss(reader, third)[:5] == (5, 9.0, 1.0, 1.0, 9.0)
        assert reader.read_series(early, "loss").values.tolist() == [9.0, 8.0, 2.0]
        log_run(settings.root, "first", losses(2, 50.0), at_s=10, run=first)  # a writer that was not known yet
        reader.refresh()
        assert read_loss(reader, third)[4] == 50.0  # though only the run before the run before it has changed
        assert read_loss(reader, early)[4] == 9.0


def test_a_fork_that_goes_back_behind_where_it_left_shares_less(settings):
    source = log_run(settings.root, "source", losses(0, 9.0, 8.0, 7.0))
    fork = log_run(settings.root, "fork", losses(3, 4.0), at_s=20, fork=(source, 2))
    log_run(settings.root, "fork", losses(1, 5.0), at_s=40, run=fork, rewind=0)
    with open_reader(settings) as reader:
        assert reader.find_run("fork").run.series("loss").values.tolist() == [9.0, 5.0]
        assert read_loss(reader, fork)[:2] == (2, 9.0)


def test_runs_that_fork_from_each_other_are_read_all_the_same(settings):
    a, b = new_run_id(START_US), new_run_id(START_US)
    log_run(settings.root, "a", losses(0, 1.0), run=a, fork=(b, 5))
    log_run(settings.root, "b", losses(1, 2.0), run=b, fork=(a, 5))
    log_run(settings.root, "self", losses(0, 3.0), run=(own := new_run_id(START_US)), fork=(own, 5))
    with open_reader(settings) as reader:
        assert [read_loss(reader, run)[0] for run in (a, b, own)] == [2, 2, 1]
        reader.read_window([SeriesKey(run, "loss") for run in (a, b, own)], Window("relative"))


def test_points_are_shared_within_a_namespace_only(settings):
    """Whoever may read a namespace would otherwise read any run by forking it."""
    source = log_run(settings.root, "source", losses(0, 9.0), namespace="theirs")
    fork = log_run(settings.root, "fork", losses(1, 1.0), fork=(source, 0), namespace="mine")
    with open_reader(settings, namespaces=frozenset({"mine"})) as reader:
        assert read_loss(reader, fork)[0] == len(reader.read_series(fork, "loss")) == 1
        assert (reader.read_detail(fork).forked_from.name, reader.read_detail(fork).forked_from.is_shared) == (
            None,
            False,
        )
    append_edit(settings.root, source, "ann", Set(fields={"namespace": "mine"}))
    with open_reader(settings) as reader:
        assert read_loss(reader, fork)[0] == len(reader.read_series(fork, "loss")) == 2


def test_an_index_built_anew_sums_forks_up_as_the_one_that_was_fed(settings):
    source = log_run(settings.root, "source", {step: {"loss": float(step % 97)} for step in range(9000)})
    fork = log_run(settings.root, "fork", losses(5001, 3.0), at_s=9100, fork=(source, 5000))
    with open_reader(settings) as reader:
        fed = read_loss(reader, fork)
        assert fed[0] == 5002
    reindex(settings.root, settings.database)
    with open_reader(settings) as reader:
        assert read_loss(reader, fork) == fed


def test_on_the_relative_axis_a_fork_goes_on_where_what_it_shares_ends(settings):
    source = log_run(settings.root, "source", losses(0, 9.0, 8.0, 7.0))
    fork = log_run(settings.root, "fork", losses(2, 5.0, 4.0), at_s=1000, fork=(source, 1))
    again = log_run(settings.root, "again", losses(3, 1.0), at_s=5000, fork=(fork, 2))
    with open_reader(settings) as reader:
        keys = [SeriesKey(run, "loss") for run in (source, fork, again)]
        found = reader.read_window(keys, Window("relative"))
        assert (found.x / SECOND_US).tolist() == [1.0, 2.0, 3.0, 4.0]  # nothing below 0
        lines = [[value for value in series.last.tolist() if value == value] for series in found.series]
        assert lines == [[9.0, 8.0, 7.0], [9.0, 8.0, 5.0, 4.0], [9.0, 8.0, 5.0, 1.0]]


def test_a_fork_keeps_the_relative_time_of_what_it_shares_in_chunks_and_packs_alike(settings):
    rows = {step: {"loss": float(step), f"only/{step % 2}": 1.0} for step in range(10_000)}
    source = log_run(settings.root, "source", rows)
    fork = log_run(settings.root, "fork", losses(6001, 5.0), at_s=20_000, fork=(source, 6000))
    with open_reader(settings) as reader:
        found = reader.read_window([SeriesKey(fork, "loss")], Window("relative", columns=100_000))
        assert len(found.x) == 6002
        assert found.x[-1] - found.x[-2] == SECOND_US


@pytest.mark.parametrize("step", [1 - 2**63, -1_700_000_000_000_000_000, 1_700_000_000_000_000_000, 2**63 - 2])
def test_a_fork_shares_up_to_any_step_that_a_run_may_have(settings, step):
    source = log_run(settings.root, "source", losses(step, 1.0, 2.0))
    fork = log_run(settings.root, "fork", losses(step + 1, 5.0), at_s=10, fork=(source, step))
    with open_reader(settings) as reader:
        assert reader.read_runs([fork])[0].summary["loss"].n == 2
        assert reader.read_series(fork, "loss").values.tolist() == [1.0, 5.0]


def test_a_reference_to_a_step_beyond_int64_is_no_fork(settings):
    source = log_run(settings.root, "source", losses(0, 1.0))
    fork = log_run(settings.root, "fork", losses(1, 5.0), at_s=10, fork=(source, 2**63))
    with open_reader(settings) as reader:
        assert reader.read_runs([fork])[0].summary["loss"].n == 1


# ── sources of several sessions ────────────────────────────────────────────────────────────────────────────────


def log_rank(
    root: Path,
    run: RunId | None,
    rank: int,
    session: int,
    rows: dict[int, dict[str, float]],
    *records: Record,
    at_s: int,
    end: EndState | None = None,
) -> RunId:
    """Record what one rank does in a session, by a clock that says `at_s` seconds after the test's start."""
    start_us = START_US + at_s * SECOND_US
    said = [Set(fields={"project": "p"}), *records] if not rank else list(records)
    spec = RunSpec(end=None, rank=rank, session=session, records=said)
    writer = open_run(root, spec, run=run, created_us=start_us)
    for second, (step, values) in enumerate(rows.items()):
        writer.append_row(step, start_us + (second + 1) * SECOND_US, values)
    if end is not None:
        told = End(state=end, cause="exit", witness="process", explicit=True)
        writer.append(told, time_us=start_us + 100 * SECOND_US)
    writer.close()
    return writer.run


def read_ranks(reader: Reader, run: str, ranks: int = 2) -> list[list[tuple[int, float]]]:
    series = [reader.read_series(run, "loss", rank) for rank in range(ranks)]
    return [
        [(s, v) for s, v, g in zip(one.steps.tolist(), one.values.tolist(), one.greyed.tolist(), strict=True) if not g]
        for one in series
    ]


@pytest.mark.parametrize("later_s", [500, -500], ids=["clock ahead", "clock behind"])
def test_a_fork_of_a_job_keeps_every_rank_as_it_was_when_the_job_goes_back_over_it_later(settings, later_s):
    root = settings.root
    source = log_rank(root, None, 0, 0, losses(0, 9.0, 8.0, 7.0), at_s=0)
    log_rank(root, source, 1, 0, losses(0, 9.5, 8.5, 7.5), at_s=1)
    told = Reference(uri=f"everbloom:{source}", kind="fork", checksum="step 2", session=0)
    fork = log_rank(root, None, 0, 0, losses(3, 6.0), told, at_s=100)
    log_rank(root, fork, 1, 0, losses(3, 6.5), at_s=101)
    with open_reader(settings) as reader:
        before = read_ranks(reader, fork)
        log_rank(root, source, 1, 1, losses(1, 1.5, 2.5), at_s=later_s)  # rank 1 comes first, and says no rewind
        log_rank(root, source, 0, 1, losses(1, 1.0, 2.0), Rewind(step=0), at_s=later_s + 1)
        log_rank(root, source, 0, 2, losses(3, 3.0), at_s=later_s + 90)  # what only goes on from that is later, too
        reader.refresh()
        assert read_ranks(reader, fork) == before
        assert before == [[(0, 9.0), (1, 8.0), (2, 7.0), (3, 6.0)], [(0, 9.5), (1, 8.5), (2, 7.5), (3, 6.5)]]
        assert read_ranks(reader, source) == [[(0, 9.0), (1, 1.0), (2, 2.0), (3, 3.0)], [(0, 9.5), (1, 1.5), (2, 2.5)]]
        line = reader.read_series(fork, "loss", reduce="mean")
        assert (line.values.tolist(), line.low.tolist()) == ([9.25, 8.25, 7.25, 6.25], [9.0, 8.0, 7.0, 6.0])
    reindex(settings.root, database=settings.database)
    with open_reader(settings) as reader:
        assert read_ranks(reader, fork) == before


def test_a_session_that_only_goes_on_after_the_fork_still_gives_it_what_it_shares(settings):
    source = log_rank(settings.root, None, 0, 0, losses(0, 9.0, 8.0), at_s=0)
    told = Reference(uri=f"everbloom:{source}", kind="fork", checksum="step 3", session=0)
    fork = log_rank(settings.root, None, 0, 0, losses(4, 5.0), told, at_s=100)
    log_rank(settings.root, source, 0, 1, losses(2, 7.0, 6.0, 1.0), at_s=-200)
    with open_reader(settings) as reader:
        assert read_ranks(reader, fork, 1) == [[(0, 9.0), (1, 8.0), (2, 7.0), (3, 6.0), (4, 5.0)]]


def test_a_resumed_run_is_what_its_latest_session_says_though_the_clock_was_behind(settings):
    kept = {"sha256": "ab" * 32, "size": 1}
    first = [Params(values={"lr": 1}), File(path="model.pt", **kept), Set(fields={"why": "old", "name": "one"})]
    run = log_rank(settings.root, None, 0, 0, losses(0, 9.0, 8.0, 7.0), *first, at_s=0, end="failed")
    later = [
        Rewind(step=1),
        Params(values={"lr": 2}),
        Set(fields={"why": "new"}),
        File(path="model.pt", **kept | {"size": 2}),
    ]
    log_rank(settings.root, run, 0, 1, losses(2, 3.0), *later, at_s=-3000, end="finished")
    with open_reader(settings) as reader:
        (found,) = reader.read_runs([run])
        assert (found.state, found.params["lr"], found.why) == ("finished", 2, "new")
        assert read_loss(reader, run)[:3] == (3, 9.0, 3.0)
        assert [artifact.size for artifact in reader.list_artifacts(run)] == [2]
        detail = reader.read_detail(run)
        assert (detail.rewound_from, [change.value for change in detail.history if change.field == "why"]) == (
            1,
            ["old", "new"],
        )


def test_an_error_that_an_earlier_session_ended_with_is_history(settings):
    boom = ExceptionInfo(type="ValueError", message="boom")
    failed = End(state="failed", cause="exception", witness="process", explicit=True, exception=boom)
    run = log_rank(settings.root, None, 0, 0, losses(0, 9.0), failed, at_s=0)
    again = ExceptionInfo(type="KeyError", message="again")
    log_rank(settings.root, run, 0, 1, losses(1, 8.0), msgspec.structs.replace(failed, exception=again), at_s=-500)
    with open_reader(settings) as reader:
        (marks,) = reader.read_marks(reader.read_runs([run]))
        assert marks.error_line == "KeyError: again"
