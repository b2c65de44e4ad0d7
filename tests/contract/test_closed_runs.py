"""Packing a store's closed runs changes where their bytes lie, and no answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.ingest.closed import pack_closed_runs, tidy
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.query.reader import open_reader
from everbloom.testing.answers import read_answers
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.journals import raise_version
from everbloom.testing.recorded import run_script, wait_until
from everbloom.testing.scenarios import write_scenario
from everbloom.testing.stores import store_settings


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
    packing = pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert packing.packed.keys() == set(scenario.runs)
    assert not packing.refused
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
    assert pack_closed_runs(tmp_path, store_database, is_forced=True).packed
    assert not pack_closed_runs(tmp_path, store_database, is_forced=True).packed


def test_tidying_packs_what_ended_long_ago_and_rests_for_a_while(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, 6, runs=2)  # its times are years ago
    tidy(tmp_path, None)
    packed = [run for run in scenario.runs if layout.pack_path(tmp_path, run).exists()]
    assert packed
    later = write_scenario(tmp_path, 7, runs=2)
    tidy(tmp_path, None)
    assert not any(layout.pack_path(tmp_path, run).exists() for run in later.runs)


_CHECKPOINTED = """
    import pathlib, sys
    import everbloom as eb
    resume = sys.argv[1] if len(sys.argv) > 1 else None
    with eb.init(project="p", name="one", resume=resume) as run:
        start = 0
        if run.resumed_from:
            path, start = run.resumed_from
            print(pathlib.Path(path).read_text(), start)
        for step in range(start, start + 5):
            run.log({"loss": 1.0 / (step + 1)}, step=step)
            pathlib.Path("model.txt").write_text(f"weights {step}")
            run.checkpoint("model.txt", step=step)
"""


def test_a_packed_run_is_resumed_from_its_newest_checkpoint(tmp_path: Path) -> None:
    root = tmp_path / "store"
    first = run_script(root, _CHECKPOINTED, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert len(pack_closed_runs(root, is_forced=True).packed) == 1
    second = run_script(root, _CHECKPOINTED, arguments=("one",), cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert second.stdout.split("\n")[0] == "weights 4 4"
    pack_closed_runs(root, is_forced=True)
    with open_reader(store_settings(root)) as reader:
        series = reader.read_series(reader.find_run("one").run.id, "loss")
        assert series.steps[~series.greyed].tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]


def test_a_run_without_checkpoint_that_is_packed_counts_on_from_its_last_step(tmp_path: Path) -> None:
    code = """
        import sys, everbloom as eb
        with eb.init(project="p", name="one", resume=sys.argv[1] if len(sys.argv) > 1 else None) as run:
            for _ in range(3):
                run.log({"loss": 1.0})
    """
    assert run_script(tmp_path, code).returncode == 0
    pack_closed_runs(tmp_path, is_forced=True)
    assert run_script(tmp_path, code, arguments=("one",)).returncode == 0
    with open_reader(store_settings(tmp_path)) as reader:
        series = reader.read_series(reader.find_run("one").run.id, "loss")
        assert series.steps.tolist() == [0, 1, 2, 3, 4, 5]


def test_when_a_run_has_ended_its_store_is_caught_up_without_anybody_looking(tmp_path: Path) -> None:
    code = """
        import everbloom as eb
        with eb.init(project="p", name="one") as run:
            run.log({"loss": 1.0})
    """
    ended = run_script(tmp_path, code, variables={"EVERBLOOM_CAPTURE": "watcher", "EVERBLOOM_TIDY": "1"})
    assert ended.returncode == 0, ended.stderr
    stamp = layout.lock_path(tmp_path, "tidied")
    wait_until(lambda: stamp.exists() and not list(layout.active_dir(tmp_path).iterdir()), "the store to be tidied")
    with open_reader(store_settings(tmp_path), catch_up=False) as reader:
        assert reader.find_run("one").run.state == "finished"


def test_a_run_that_cannot_be_packed_is_named_and_keeps_none_of_the_others_from_it(
    tmp_path: Path, store_database: str | None
) -> None:
    runs = sorted(write_scenario(tmp_path, 6, runs=3).runs)
    _answers(tmp_path, store_database)
    folder = layout.run_dir(tmp_path, runs[0])
    kept = {path: path.read_bytes() for path in folder.rglob("*.seg")}
    segment = min(kept)
    newer = raise_version(kept[segment])
    segment.write_bytes(newer)
    packing = pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert packing.packed.keys() == set(runs[1:])
    assert packing.refused.keys() == {runs[0]}
    assert f"{segment} has journal format" in packing.refused[runs[0]]
    assert {path: path.read_bytes() for path in folder.rglob("*.seg")} == kept | {segment: newer}
    assert not layout.pack_path(tmp_path, runs[0]).exists()


def test_storage_says_which_runs_were_not_packed(tmp_path: Path) -> None:
    runs = sorted(write_scenario(tmp_path, 6, runs=2).runs)
    _answers(tmp_path, None)
    segment = min(layout.run_dir(tmp_path, runs[0]).rglob("*.seg"))
    segment.write_bytes(raise_version(segment.read_bytes()))
    told = run_cli(tmp_path, "storage", "--pack")
    assert "1 run packed." in told.out
    assert f"run {runs[0]} was not packed: " in told.out
    assert run_cli(tmp_path, "storage", "--pack", "--json").data["not_packed"].keys() == {runs[0]}
