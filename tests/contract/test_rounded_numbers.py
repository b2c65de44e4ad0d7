"""A run says how many whole numbers were rounded to 64-bit floats, however its journal was read."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core.ids import RunId
from everbloom.core.records import Problem
from everbloom.core.settings import Settings
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.journal.writer import JournalWriter
from everbloom.query.reader import open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import RunSpec, open_run


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def _catch_up(root: Path, database: str | None) -> None:
    with closing(Indexer(root, database)) as indexer:
        indexer.catch_up()


def _read_problems(root: Path, run: RunId, database: str | None) -> tuple[Problem, ...]:
    with open_reader(Settings(root=root, database=database)) as reader:
        return reader.read_detail(run).problems


def _log(writer: JournalWriter, first: int) -> None:
    for step in range(first, first + 3):
        writer.append_row(step, None, {"n": 2**53 + 1, "m": 2**53, "k": -(2**60)})


@pytest.mark.parametrize("is_split", [False, True])
def test_the_count_is_the_same_in_one_part_and_in_several_and_from_a_pack(
    tmp_path: Path, store_database: str | None, is_split: bool
) -> None:
    writer = open_run(tmp_path, RunSpec(end=None))
    for first in (0, 3):
        _log(writer, first)
        if is_split:
            _catch_up(tmp_path, store_database)
            _catch_up(tmp_path, store_database)
    writer.close()
    (problem,) = _read_problems(tmp_path, writer.run, store_database)
    assert (problem.code, problem.count) == ("value.rounded", 12)
    reindex(tmp_path, store_database)
    assert _read_problems(tmp_path, writer.run, store_database) == (problem,)
    assert pack_closed_runs(tmp_path, store_database, is_forced=True).packed
    assert _read_problems(tmp_path, writer.run, store_database) == (problem,)
    reindex(tmp_path, store_database)
    assert _read_problems(tmp_path, writer.run, store_database) == (problem,)


def test_an_indexer_that_dies_between_its_two_commits_counts_nothing_twice(tmp_path: Path) -> None:
    writer = open_run(tmp_path, RunSpec(end=None))
    _log(writer, 0)

    def fail() -> None:
        raise InterruptedError

    with closing(Indexer(tmp_path, between_commits=fail)) as indexer, pytest.raises(InterruptedError):
        indexer.catch_up()
    writer.close()
    (problem,) = _read_problems(tmp_path, writer.run, None)
    assert problem.count == 6


def test_what_was_logged_of_several_writers_adds_up_and_show_tells_it(tmp_path: Path) -> None:
    first = open_run(tmp_path, RunSpec(end=None, records=[Problem(code="other", message="else", count=4)]))
    second = open_run(tmp_path, RunSpec(end=None, rank=1), run=first.run)
    for writer in (first, second):
        _log(writer, 0)
        writer.close()
    counts = {problem.code: problem.count for problem in _read_problems(tmp_path, first.run, None)}
    assert counts == {"other": 4, "value.rounded": 12}
    assert "[value.rounded] (12 times)" in " ".join(run_cli(tmp_path, "show", first.run).out.split())


def test_numbers_that_fit_are_no_problem(tmp_path: Path) -> None:
    writer = open_run(tmp_path, RunSpec(end=None))
    writer.append_row(0, None, {"n": 2**53, "x": 0.1})
    writer.close()
    assert _read_problems(tmp_path, writer.run, None) == ()
