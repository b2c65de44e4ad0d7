"""What must not happen to an index: two indexers at once, full, read-only and vanished disks, a damaged file."""

import os
import random
import shutil
import subprocess
from contextlib import closing

import pytest

from everbloom.core import layout
from everbloom.core.errors import Corrupt, Unavailable
from everbloom.index.database import indexer_lock
from everbloom.index.store import BUILDING, index_folder, open_index, open_main
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.journal.registry import iter_active
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import answers_of, catch_up
from everbloom.testing.scenarios import write_scenario
from everbloom.testing.stores import RunSpec, open_run, record_run

pytestmark = pytest.mark.fault


@pytest.fixture
def store_database(database_place):
    with fresh_store_database(database_place) as address:
        yield address


# ── two at once ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_indexer_is_told_that_one_is_at_work(tmp_path, store_database):
    record_run(tmp_path)
    with closing(Indexer(tmp_path, store_database)) as first, closing(Indexer(tmp_path, store_database)) as second:
        with indexer_lock(first.index.catalog_database, tmp_path), pytest.raises(Unavailable) as caught:
            second.catch_up()
        assert caught.value.code == "index.busy"
        assert len(second.catch_up().runs) == 1


def test_a_second_rebuild_is_told_that_one_is_at_work(tmp_path, store_database):
    record_run(tmp_path)
    with (
        open_main(tmp_path, store_database) as main,
        indexer_lock(main, tmp_path, name="reindex"),
        pytest.raises(Unavailable) as caught,
    ):
        reindex(tmp_path, store_database)
    assert caught.value.code == "index.busy"


def _index_in_child(root, database):
    """Index in a child that may be told that another one is at work; it exits with 0 if nothing else happened."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with closing(Indexer(root, database)) as indexer:
            for _ in range(5):
                try:
                    indexer.catch_up()
                except Unavailable as error:
                    if error.code != "index.busy":
                        raise
        code = 0
    finally:
        os._exit(code)


def test_indexers_that_race_double_nothing(tmp_path, store_database):
    scenario = write_scenario(tmp_path / "whole", 11, runs=3, rows=80)
    expected = answers_of(scenario.root)
    shared = tmp_path / "shared"
    for name in ("runs", "edits"):
        shutil.copytree(scenario.root / name, shared / name)
    children = [_index_in_child(shared, store_database) for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(children)
    assert answers_of(shared, store_database) == expected


def test_what_comes_while_an_index_is_rebuilt_is_in_it(tmp_path, store_database):
    """Another indexer takes news in, and off the list, between the rebuild's scan and its end."""
    first = record_run(tmp_path, RunSpec(params={"lr": 1}))
    catch_up(tmp_path, store_database)
    with closing(Indexer(tmp_path, store_database, suffix=BUILDING)) as building:
        building.build()
        second = record_run(tmp_path, RunSpec(params={"lr": 2}))
        assert catch_up(tmp_path, store_database).runs == {second}
        assert building.build().runs == {second}
    reindex(tmp_path, store_database)
    assert {first, second} <= answers_of(tmp_path, store_database).keys()


def test_a_run_keeps_its_place_and_so_its_colour_when_the_index_is_rebuilt(tmp_path, store_database):
    """Taken in are several at once, whichever was announced first."""

    def places():
        with closing(open_index(tmp_path, store_database, read_only=True)) as index:
            return index.catalog.read_slots(runs)

    runs = [record_run(tmp_path, created_us=1_700_000_000_000_000 + place * 1000) for place in (3, 0, 7, 1, 5, 2, 6, 4)]
    catch_up(tmp_path, store_database)
    before = places()
    assert [before[run] for run in sorted(runs)] == list(range(8))
    reindex(tmp_path, store_database)
    assert places() == before


def test_an_indexer_that_was_open_over_a_rebuild_goes_on_in_the_new_index(tmp_path, store_database):
    record_run(tmp_path)
    with closing(Indexer(tmp_path, store_database)) as indexer:
        indexer.catch_up()
        reindex(tmp_path, store_database)
        run = record_run(tmp_path, RunSpec(params={"late": 1}))
        assert indexer.catch_up().runs == {run}
    with closing(open_index(tmp_path, store_database, read_only=True)) as index:
        assert index.catalog.read_run(run).document.attributes["params.late"] == 1


def test_a_reader_goes_on_reading_while_the_index_is_rebuilt(tmp_path, store_database):
    run = record_run(tmp_path)
    catch_up(tmp_path, store_database)
    with closing(open_index(tmp_path, store_database, read_only=True)) as index:
        before = index.catalog.read_run(run)
        reindex(tmp_path, store_database)
        assert index.catalog.read_run(run).document == before.document


@pytest.mark.parametrize("state", ["old moved away", "both moved", "nothing moved", "empty newcomer"])
def test_a_rebuild_that_was_killed_while_it_changed_places_leaves_a_usable_store(tmp_path, state):
    run = record_run(tmp_path, RunSpec(params={"lr": 1}))
    expected = answers_of(tmp_path)
    with closing(Indexer(tmp_path, suffix=BUILDING)) as building:
        building.build()
    place, built, replaced = (index_folder(tmp_path, suffix) for suffix in ("", BUILDING, "_replaced"))
    if state != "nothing moved":
        place.rename(replaced)
    if state == "both moved":
        built.rename(place)
    if state == "empty newcomer":
        open_index(tmp_path, None).close()
    assert answers_of(tmp_path) == expected
    reindex(tmp_path)
    assert answers_of(tmp_path) == expected
    assert not built.exists()
    assert not replaced.exists()
    assert run in expected


# ── disks ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.xfail("mounting a small file system needs the right to mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_told_and_the_index_catches_up_when_there_is_space(tmp_path, small_disk):
    scenario = write_scenario(tmp_path / "whole", 12, runs=3, rows=2500)
    expected = answers_of(scenario.root)
    root = small_disk / "store"
    for name in ("runs", "edits"):
        shutil.copytree(scenario.root / name, root / name)
    before = {path: path.read_bytes() for path in root.rglob("*.seg")}
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        written = file.write(b"\1" * (6 << 20))
        file.truncate(written - (200 << 10))
    with pytest.raises(Unavailable) as caught:
        catch_up(root)
    assert caught.value.code in ("disk.full", "index.unreachable", "workspace.unreachable")
    assert str(root) in str(caught.value)
    assert {path: path.read_bytes() for path in root.rglob("*.seg")} == before
    filler.unlink()
    assert answers_of(root) == expected


def test_a_read_only_root_is_read_and_not_caught_up(tmp_path, small_disk):
    root = small_disk / "store"
    run = record_run(root)
    catch_up(root)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    try:
        with closing(open_index(root, None, read_only=True)) as index:
            assert index.catalog.read_run(run).id == run
        with pytest.raises(Unavailable) as caught:
            catch_up(root)
        assert caught.value.code in ("index.readonly", "index.unreachable")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert catch_up(root).runs == set()


def test_a_root_that_vanished_under_an_indexer_is_told_or_begun_anew(tmp_path):
    record_run(tmp_path / "store")
    with closing(Indexer(tmp_path / "store")) as indexer:
        indexer.catch_up()
        shutil.rmtree(tmp_path / "store")
        assert indexer.catch_up().runs == set()
        run = record_run(tmp_path / "store")
        assert indexer.catch_up().runs == {run}


def test_a_run_whose_folder_was_deleted_is_taken_off_the_list(tmp_path):
    writer = open_run(tmp_path, RunSpec(end=None))
    catch_up(tmp_path)
    writer.close()
    shutil.rmtree(layout.run_dir(tmp_path, writer.run))
    catch_up(tmp_path)
    assert list(iter_active(tmp_path)) == []


def test_what_a_killed_rebuild_and_an_older_version_left_is_removed_by_the_next_catch_up(tmp_path):
    record_run(tmp_path)
    folder = index_folder(tmp_path)
    for name in ("1", f"{folder.name}{BUILDING}", f"{folder.name}_replaced", "1000", "notes"):
        (folder.parent / name).mkdir(parents=True)
    with open_main(tmp_path, None) as main, indexer_lock(main, tmp_path, name="reindex"):
        catch_up(tmp_path)
        assert len(list(folder.parent.iterdir())) == 6  # somebody builds one of them now
    catch_up(tmp_path)
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, "1000", "notes"}


# ── damage ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _store_with_index(root):
    write_scenario(root, 13, runs=2, rows=300)
    return answers_of(root)


def _try_to_answer(root):
    try:
        answers_of(root)
    except Corrupt as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["index.db", "series.db"])
def test_a_damaged_index_says_so_or_answers_and_a_rebuild_mends_it(tmp_path, name, seed):
    expected = _store_with_index(tmp_path)
    path = index_folder(tmp_path) / name
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    if seed == 0:
        data = data[: len(data) // 2]
    elif seed == 1:
        data[:100] = bytes(100)
    else:
        for _ in range(200):
            data[rng.randrange(100, len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    error = _try_to_answer(tmp_path)
    assert error is None or (error.code == "index.corrupt" and "everbloom reindex" in str(error))
    reindex(tmp_path)
    assert answers_of(tmp_path) == expected


def test_a_truncated_index_names_the_command_that_mends_it(tmp_path):
    _store_with_index(tmp_path)
    path = index_folder(tmp_path) / "index.db"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(Corrupt, match="everbloom reindex"):
        answers_of(tmp_path)
