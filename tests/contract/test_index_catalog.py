"""The catalog's contract on both engines: runs, records, writers and damage are kept once and found again."""

import pytest

from everbloom.core.errors import NotFound
from everbloom.core.ids import RunId
from everbloom.index.catalog import Catalog, ControlRow, DamageRow, WriterRow
from everbloom.index.documents import Document


def run_id(number):
    return RunId(f"{number:032x}")


@pytest.fixture
def catalog(database):
    catalog = Catalog(database)
    catalog.ensure_schema()
    return catalog


def write(catalog, number, *, is_open=False, now_us=0, **attributes):
    base = {"id": run_id(number), "name": f"run-{number}", "namespace": "local", "project": "p", "created": number}
    with catalog.database.transaction():
        return catalog.write_run(run_id(number), Document(base | attributes), is_open=is_open, now_us=now_us)


# ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_comes_back_with_its_document_and_place(catalog):
    assert write(catalog, 1, state="finished")
    assert write(catalog, 2, state="running", is_open=True)
    row = catalog.read_run(run_id(2))
    assert (row.name, row.project, row.slot, row.created, row.is_open) == ("run-2", 1, 1, 2, True)
    assert row.document.attributes["state"] == "running"
    assert set(catalog.read_runs([run_id(1), run_id(2), run_id(3)])) == {run_id(1), run_id(2)}


def test_a_run_that_nobody_wrote_is_not_found(catalog):
    with pytest.raises(NotFound) as caught:
        catalog.read_run(run_id(1))
    assert caught.value.code == "run.unknown"
    assert catalog.read_runs([run_id(1)]) == {}


def test_writing_the_same_document_again_is_no_change(catalog):
    assert write(catalog, 1)
    assert not write(catalog, 1)
    assert write(catalog, 1, is_open=True)
    assert write(catalog, 1, is_open=True, why="new")


def test_a_changed_run_keeps_its_place(catalog):
    write(catalog, 1)
    write(catalog, 2)
    write(catalog, 1, name="renamed", created=77)
    row = catalog.read_run(run_id(1))
    assert (row.name, row.slot, row.created) == ("renamed", 0, 77)


def test_many_runs_are_read_at_once(catalog):
    with catalog.database.transaction():
        for number in range(900):
            document = Document({"name": "n", "namespace": "l", "project": "p", "created": number})
            catalog.write_run(run_id(number), document, is_open=False, now_us=0)
    found = catalog.read_runs([run_id(number) for number in range(1000)])
    assert len(found) == 900
    places = [(1, slot) for slot in range(899, -1, -1)]
    assert [row.slot for row in catalog.read_places(places)] == list(range(899, -1, -1))
    assert len(catalog.find_places([run_id(number) for number in range(1000)])) == 900


def test_a_run_is_open_until_it_ends(catalog):
    write(catalog, 1, is_open=True)
    assert catalog.read_run(run_id(1)).is_open
    write(catalog, 1)
    assert not catalog.read_run(run_id(1)).is_open


def test_projects_are_listed_by_path_with_their_places(catalog):
    write(catalog, 1, project="b")
    write(catalog, 2, project="a", namespace="team")
    write(catalog, 3, project="b")
    assert [(p.namespace, p.name, p.slots) for p in catalog.read_projects()] == [("local", "b", 2), ("team", "a", 1)]


# ── references ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_found_by_id_by_name_and_by_the_end_of_its_id(catalog):
    write(catalog, 0xABCDEF)
    write(catalog, 0x1ABCDEF, name="abcdef")
    for reference in (run_id(0xABCDEF), "run-11259375"):
        assert [row.id for row in catalog.find_runs(reference)] == [run_id(0xABCDEF)]
    assert [row.id for row in catalog.find_runs("0abcdef")] == [run_id(0xABCDEF)]
    assert [row.id for row in catalog.find_runs("abcdef")] == [run_id(0x1ABCDEF), run_id(0xABCDEF)]
    assert catalog.find_runs("fedcba") == []


def test_the_newest_of_several_is_found_first_and_no_more_than_asked_for(catalog):
    for number in range(30):
        write(catalog, number, name="same")
    assert [row.created for row in catalog.find_runs("same", limit=3)] == [29, 28, 27]


@pytest.mark.parametrize("name", ["a/b", 'it\'s "q"', "🌱 ß", "%", "_", "\\", "nul \0", "x" * 256])
def test_odd_names_are_found_exactly(catalog, name):
    write(catalog, 1, name=name)
    write(catalog, 2, name=f"{name}!")
    assert [row.id for row in catalog.find_runs(name)] == [run_id(1)]
    assert [found for found, _ in catalog.find_names(name)] == sorted([name, f"{name}!"])


def test_names_are_found_by_how_they_begin(catalog):
    for number, name in enumerate(["amber", "amble", "Amber", "bold"]):
        write(catalog, number, name=name)
    assert [name for name, _ in catalog.find_names("am")] == ["amber", "amble"]
    assert [name for name, _ in catalog.find_names("", limit=2)] == ["Amber", "amber"]


# ── records ────────────────────────────────────────────────────────────────────────────────────────────────────


def control(number=0, time=0, writer="w", position=0, tag="note", body=b"\x80"):
    return ControlRow(run_id(1), writer, position, number, time, tag, 3, body)


def test_records_come_back_in_the_order_that_counts(catalog):
    rows = [
        control(number=2, time=1, writer="edits", position=2),
        control(number=1, time=9, writer="edits", position=1),
        control(time=5, writer="a", position=7),
        control(time=5, writer="a", position=3),
        control(time=5, writer="b", position=0),
        control(time=4, writer="c", position=0),
    ]
    catalog.add_controls(rows)
    assert catalog.read_controls(run_id(1)) == [rows[5], rows[3], rows[2], rows[4], rows[1], rows[0]]


def test_a_record_that_is_kept_already_is_left_as_it_is(catalog):
    catalog.add_controls([control(body=b"first")])
    catalog.add_controls([control(body=b"second"), control(position=1, body=b"other")])
    assert [row.body for row in catalog.read_controls(run_id(1))] == [b"first", b"other"]


def test_records_of_some_kinds_may_be_asked_for(catalog):
    catalog.add_controls([control(position=i, tag=tag) for i, tag in enumerate(["set", "note", "tag", "?odd"])])
    assert [row.tag for row in catalog.read_controls(run_id(1), ("tag", "set"))] == ["set", "tag"]
    assert catalog.read_controls(run_id(1), ("none",)) == []
    assert catalog.read_controls(run_id(2)) == []


def test_the_last_of_what_is_known_of_a_writer_counts(catalog):
    first = WriterRow(run_id(1), "w", "watcher", 1, 5, -1, "boot", 1.5, None, 4, 3, 2, 1)
    second = first._replace(last_time=9, heartbeat=3, is_alive=0, seen_at=2.25, rows=8)
    catalog.write_writers([first])
    assert catalog.read_writers(run_id(1)) == [first]
    catalog.write_writers([second, first._replace(writer="v")])
    assert catalog.read_writers(run_id(1)) == [first._replace(writer="v"), second]


def test_writers_of_many_runs_are_read_at_once(catalog):
    rows = [WriterRow(run_id(n), "w", "process", 0, 0, -1, "", 0.0, 1) for n in range(900)]
    catalog.write_writers(rows)
    assert sorted(catalog.read_writers_of({run_id(n) for n in range(850, 1000)})) == rows[850:]
    assert catalog.read_writers_of([]) == []


def test_damage_at_one_place_is_kept_once(catalog):
    first = DamageRow(run_id(1), "w", 0, 64, 100, "torn")
    catalog.add_damage([first, first, first._replace(byte=200)])
    catalog.add_damage([first._replace(reason="again")])
    assert catalog.read_damage(run_id(1)) == [first, first._replace(byte=200)]


# ── what is remembered ─────────────────────────────────────────────────────────────────────────────────────────


def test_experiments_that_were_met_are_known(catalog):
    path = ("local", "a/b", "🌱")
    assert not catalog.knows_experiment(*path)
    catalog.add_experiments([path, path])
    catalog.add_experiments([path])
    assert catalog.knows_experiment(*path)
    assert not catalog.knows_experiment("local", "a", "b/🌱")


def test_the_version_counts_up_and_never_repeats_that_of_an_older_index(catalog):
    assert catalog.read_version() == 0
    catalog.bump_version()
    first = catalog.read_version()
    catalog.bump_version()
    assert catalog.read_version() == first + 1
    assert first > 1_700_000_000_000_000


def test_pending_runs_are_listed_newest_first_without_empty_places(catalog):
    write(catalog, 1)
    write(catalog, 2)
    write(catalog, 1, project="q")
    assert [row.id for row in catalog.read_pending([1, 2])] == [run_id(2), run_id(1)]
    assert [row.id for row in catalog.read_pending([1])] == [run_id(2)]
    assert catalog.read_pending([]) == []


def test_a_run_whose_text_changed_is_pending_again(catalog):
    write(catalog, 1)
    catalog.database.execute("UPDATE run SET pending_since = NULL")
    catalog.mark_pending(run_id(1), now_us=7)
    catalog.mark_pending(run_id(1), now_us=9)
    assert catalog.database.execute("SELECT pending_since FROM run") == [(7,)]


def test_nothing_of_a_failed_transaction_is_kept(catalog):
    def fail():
        with catalog.database.transaction():
            catalog.add_controls([control()])
            catalog.bump_version()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (catalog.read_controls(run_id(1)), catalog.read_version()) == ([], 0)
