"""The store's list of names: a run that could not be added when it began is added by whoever indexes it."""

import pytest

from everbloom.core import layout
from everbloom.core.ids import new_run_id
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.journal.names import NameList, read_names, register_name, register_names
from everbloom.sdk.names import resolve_reference
from everbloom.testing.stores import RunSpec, record_run


def catch_up(root):
    indexer = Indexer(root)
    indexer.catch_up()
    indexer.close()


@pytest.mark.parametrize("index", [catch_up, reindex])
def test_a_run_that_is_not_on_the_list_is_added_once_by_the_index(tmp_path, index):
    run = record_run(tmp_path, RunSpec(fields={"name": "amber"}))
    assert read_names(tmp_path) == {}
    index(tmp_path)
    assert resolve_reference(tmp_path, "amber") == run
    record_run(tmp_path, RunSpec(), run=run)
    index(tmp_path)
    assert layout.names_path(tmp_path).read_text() == f"{run} amber\n"


def test_a_list_that_was_lost_is_written_anew_by_reindex(tmp_path):
    runs = {record_run(tmp_path, RunSpec(fields={"name": f"run {n}"})): f"run {n}" for n in range(40)}
    catch_up(tmp_path)
    layout.names_path(tmp_path).unlink()
    reindex(tmp_path)
    assert read_names(tmp_path) == runs


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_run_is_found_by_its_ids_end_though_it_is_on_no_list(tmp_path, is_packed):
    run = record_run(tmp_path, RunSpec(fields={"name": "amber"}))
    if is_packed:
        pack_closed_runs(tmp_path, is_forced=True)
        layout.names_path(tmp_path).unlink()
    assert resolve_reference(tmp_path, run[-8:]) == run


def test_a_line_that_a_full_disk_cut_off_takes_no_other_with_it(tmp_path):
    first, second = new_run_id(1_700_000_000_000_000), new_run_id(1_700_000_000_000_001)
    register_name(tmp_path, first, "one")
    path = layout.names_path(tmp_path)
    path.write_bytes(path.read_bytes() + second[:20].encode())
    register_name(tmp_path, second, "two")
    assert read_names(tmp_path) == {first: "one", second: "two"}


def test_the_last_of_a_runs_names_is_found_by_search_and_by_table_alike(tmp_path):
    runs = [new_run_id(1_700_000_000_000_000 + n) for n in range(30)]
    names = NameList(tmp_path)
    assert names.find(runs[0]) == ""
    register_names(tmp_path, {run: f"old {run[-4:]}" for run in runs[:20]})
    register_names(tmp_path, {run: f"né {run[-4:]}" for run in runs[:20]})
    wanted = [f"né {run[-4:]}" for run in runs[:20]] + [""] * 10
    assert [names.find(run) for run in runs] == wanted
    assert [NameList(tmp_path).find(run) for run in runs] == wanted
