"""Packing a store's closed runs changes where their bytes lie, and no answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.ingest.closed import pack_closed_runs, tidy
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.testing.answers import read_answers
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.scenarios import write_scenario


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def _answers(root: Path, database: str | None) -> dict[str, object]:
    indexer = Indexer(root, database)
    try:
        indexer.catch_up()
        indexer.fold_all()
        return read_answers(indexer.index)
    finally:
        indexer.close()


def test_a_packed_store_answers_as_before_and_its_journals_are_gone(tmp_path: Path, store_database: str | None) -> None:
    scenario = write_scenario(tmp_path, 3)
    before = _answers(tmp_path, store_database)
    reports = pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert len(reports) == len(scenario.runs)
    assert _answers(tmp_path, store_database) == before
    for run in scenario.runs:
        assert layout.pack_path(tmp_path, run).exists()
        assert not layout.run_dir(tmp_path, run).exists()


def test_an_index_rebuilt_from_packs_answers_like_one_fed_from_journals(
    tmp_path: Path, store_database: str | None
) -> None:
    write_scenario(tmp_path, 4)
    before = _answers(tmp_path, store_database)
    pack_closed_runs(tmp_path, store_database, is_forced=True)
    reindex(tmp_path, store_database)
    assert _answers(tmp_path, store_database) == before


def test_packing_again_packs_nothing(tmp_path: Path, store_database: str | None) -> None:
    write_scenario(tmp_path, 5, runs=2)
    assert pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert not pack_closed_runs(tmp_path, store_database, is_forced=True)


def test_tidying_packs_what_ended_long_ago_and_rests_for_a_while(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, 6, runs=2)  # its times are years ago
    tidy(tmp_path, None)
    packed = [run for run in scenario.runs if layout.pack_path(tmp_path, run).exists()]
    assert packed
    later = write_scenario(tmp_path, 7, runs=2)
    tidy(tmp_path, None)
    assert not any(layout.pack_path(tmp_path, run).exists() for run in later.runs)
