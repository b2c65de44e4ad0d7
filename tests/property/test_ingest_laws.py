"""The laws of the index: it depends on what the journals hold, never on when and in which order it was read."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.ingest.indexer import Indexer, reindex
from everbloom.journal.registry import iter_journals, register_writer
from everbloom.testing.answers import read_answers
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.scenarios import Replay, write_scenario


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def _index_whole(root: Path, database: str | None) -> dict[str, object]:
    indexer = Indexer(root, database)
    try:
        indexer.catch_up()
        return read_answers(indexer.index)
    finally:
        indexer.close()


@pytest.mark.parametrize("seed", range(6))
def test_any_split_and_order_of_writers_gives_the_same_answers(
    seed: int, tmp_path: Path, store_database: str | None
) -> None:
    scenario = write_scenario(tmp_path / "whole", seed)
    expected = _index_whole(scenario.root, None)
    target = tmp_path / "bit by bit"
    replay = Replay(scenario.root, target, seed)
    indexer = Indexer(target, store_database)
    rng = random.Random(seed)
    try:
        while replay.reveal_some():
            if rng.random() < 0.5:
                indexer.catch_up()
        indexer.catch_up()
        indexer.fold_all()
        assert read_answers(indexer.index) == expected
    finally:
        indexer.close()


@pytest.mark.parametrize("seed", range(100, 103))
def test_a_rebuilt_index_answers_like_the_one_that_was_fed(
    seed: int, tmp_path: Path, store_database: str | None
) -> None:
    scenario = write_scenario(tmp_path / "whole", seed)
    target = tmp_path / "store"
    replay = Replay(scenario.root, target, seed)
    indexer = Indexer(target, store_database)
    while replay.reveal_some():
        indexer.catch_up()
    indexer.catch_up()
    indexer.fold_all()
    fed = read_answers(indexer.index)
    indexer.close()
    reindex(target, store_database)
    indexer = Indexer(target, store_database)
    try:
        assert read_answers(indexer.index) == fed
        assert not indexer.catch_up().runs
    finally:
        indexer.close()


@pytest.mark.parametrize("first", range(200, 224, 6))
def test_small_stores_of_many_seeds_are_fed_and_rebuilt_alike(first: int, tmp_path: Path) -> None:
    shared = 0
    for seed in range(first, first + 6):
        scenario = write_scenario(tmp_path / f"whole {seed}", seed, rows=40)
        expected = _index_whole(scenario.root, None)
        target = tmp_path / f"bit by bit {seed}"
        replay, rng = Replay(scenario.root, target, seed), random.Random(seed)
        indexer = Indexer(target)
        while replay.reveal_some():
            if rng.random() < 0.5:
                indexer.catch_up()
        indexer.catch_up()
        indexer.fold_all()
        fed = read_answers(indexer.index)
        indexer.close()
        assert fed == expected, seed
        reindex(target)
        assert _index_whole(target, None) == expected, seed
        shared += sum(bool(_answer(expected, run)["shares"]) for run in scenario.runs)
    assert shared > 3  # else forks would hardly be among what is held here


def _answer(answers: dict[str, object], run: str) -> dict[str, object]:
    answer = answers[run]
    assert isinstance(answer, dict)
    return answer


def test_edits_of_a_run_survive_a_rebuild(tmp_path: Path, store_database: str | None) -> None:
    scenario = write_scenario(tmp_path, 7)
    before = _index_whole(tmp_path, store_database)
    reindex(tmp_path, store_database)
    assert _index_whole(tmp_path, store_database) == before
    assert set(scenario.runs) <= before.keys()


def _feed_until_killed(whole: Path, target: Path, seed: int) -> int:
    """Feed an index in a child that is killed between the two commits of some round; returns how it ended.

    It is killed in a round that the seed picks, at the latest in the one that takes in what is shown last.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        rounds = random.Random(seed).randrange(4)
        is_last = False

        def count_down() -> None:
            nonlocal rounds
            if is_last or rounds == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            rounds -= 1

        replay = Replay(whole, target, seed)
        indexer = Indexer(target, between_commits=count_down)
        while replay.reveal_some():
            indexer.catch_up()
        is_last = True
        indexer.catch_up()
    finally:
        os._exit(1)


@pytest.mark.fault
@pytest.mark.parametrize("decade", range(20))
def test_an_indexer_killed_between_its_two_commits_loses_and_doubles_nothing(decade: int, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "whole", decade, runs=2, rows=30)
    expected = _index_whole(scenario.root, None)
    for seed in range(decade * 10, decade * 10 + 10):
        target = tmp_path / f"killed {seed}"
        assert _feed_until_killed(scenario.root, target, seed) == -signal.SIGKILL
        _reveal_rest(scenario.root, target)
        indexer = Indexer(target)
        try:
            indexer.catch_up()
            indexer.fold_all()
            assert read_answers(indexer.index) == expected
        finally:
            indexer.close()


def _reveal_rest(whole: Path, target: Path) -> None:
    """Show what the killed process had not come to: every segment as it is in the end."""
    for folder in ("runs", "edits"):
        if (whole / folder).exists():
            shutil.copytree(whole / folder, target / folder, dirs_exist_ok=True)
    for journal in iter_journals(target):
        register_writer(target, *journal)
