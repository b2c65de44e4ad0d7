"""The workspace on both engines: its tables come from migrations, its rows are created once, whoever asks."""

import os
import sqlite3
import subprocess
import threading
from contextlib import closing

import pytest
import sqlalchemy as sa  # noqa: TID253 - what is tested is built on it

from everbloom.core.errors import Unavailable
from everbloom.testing.databases import fresh_store_database
from everbloom.workspace.engine import POSTGRES_SCHEMA, _alembic_config, open_workspace
from everbloom.workspace.registry import ExperimentPath, ensure_experiments, list_experiments
from everbloom.workspace.schema import experiment, metadata, namespace, project

PATHS = [("local", "news", "headlines"), ("local", "news", "bodies"), ("team", "news", "headlines")]
ODD_NAMES = ["a/b", 'it\'s "quoted"', "🌱 ßİ 日本", "%_\\", "-- ; DROP TABLE project", "x" * 256, "CON", "."]


@pytest.fixture
def database(database_place):
    with fresh_store_database(database_place) as address:
        yield address


@pytest.fixture
def engine(tmp_path, database):
    engine = open_workspace(tmp_path, database)
    yield engine
    engine.dispose()


def run_alembic(engine, command, *args):
    """Run one of Alembic's commands on the engine's connection, as `open_workspace` does."""
    with engine.connect() as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command(config, *args)
        connection.commit()


def count(engine, table):
    with engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT COUNT(*) FROM {table.name}")).scalar_one()


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_workspace_is_empty(tmp_path, database):
    assert list_experiments(tmp_path, database) == []


def test_what_was_ensured_is_listed_in_order(tmp_path, database):
    ensure_experiments(tmp_path, database, PATHS)
    assert list_experiments(tmp_path, database) == sorted(ExperimentPath(*path) for path in PATHS)


def test_ensuring_twice_changes_nothing(tmp_path, database, engine):
    ensure_experiments(tmp_path, database, PATHS)
    with engine.connect() as connection:
        before = connection.execute(sa.select(experiment).order_by(experiment.c.id)).all()
    ensure_experiments(tmp_path, database, [*PATHS, *reversed(PATHS)])
    with engine.connect() as connection:
        assert connection.execute(sa.select(experiment).order_by(experiment.c.id)).all() == before


def test_projects_of_one_name_in_two_namespaces_are_two(tmp_path, database, engine):
    ensure_experiments(tmp_path, database, PATHS)
    assert [count(engine, table) for table in (namespace, project, experiment)] == [2, 2, 3]


def test_ensuring_nothing_is_allowed(tmp_path, database):
    ensure_experiments(tmp_path, database, [])
    assert list_experiments(tmp_path, database) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back_as_they_are(tmp_path, database, name):
    ensure_experiments(tmp_path, database, [(name, name, name), (name, name, "other")])
    assert {path.experiment for path in list_experiments(tmp_path, database)} == {name, "other"}


def test_names_that_differ_in_case_only_are_two(tmp_path, database):
    ensure_experiments(tmp_path, database, [("n", "p", "Ab"), ("n", "p", "aB")])
    assert len(list_experiments(tmp_path, database)) == 2


def _ensure_in_child(root, database, paths):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        ensure_experiments(root, database, paths)
        code = 0
    finally:
        os._exit(code)


def test_many_processes_may_create_the_same_experiments_at_once(tmp_path, database):
    paths = [("local", f"p{number % 3}", f"e{number}") for number in range(12)]
    children = [_ensure_in_child(tmp_path, database, paths) for _ in range(4)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert list_experiments(tmp_path, database) == sorted(ExperimentPath(*path) for path in paths)


def test_a_file_that_another_is_just_beginning_is_waited_for(tmp_path):
    beginning = sqlite3.connect(tmp_path / "workspace.db", isolation_level=None, check_same_thread=False)
    beginning.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, beginning.close).start()
    ensure_experiments(tmp_path, None, PATHS)
    assert len(list_experiments(tmp_path, None)) == 3
    with closing(sqlite3.connect(tmp_path / "workspace.db")) as ready:
        assert ready.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_failure_in_the_middle_creates_nothing(tmp_path, database):
    def paths():
        yield PATHS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_experiments(tmp_path, database, paths())
    assert list_experiments(tmp_path, database) == []


# ── migrations ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_migrations_make_what_the_code_declares(engine):
    from alembic import command

    run_alembic(engine, command.check)  # raises where they differ


def test_every_migration_can_be_undone_and_done_again(engine, database):
    from alembic import command

    run_alembic(engine, command.downgrade, "base")
    schema = POSTGRES_SCHEMA if database else None
    assert set(sa.inspect(engine).get_table_names(schema=schema)) == {"alembic_version"}
    run_alembic(engine, command.upgrade, "head")
    assert set(sa.inspect(engine).get_table_names(schema=schema)) >= set(metadata.tables)
    run_alembic(engine, command.check)


def test_opening_again_migrates_nothing_and_keeps_everything(tmp_path, database):
    ensure_experiments(tmp_path, database, PATHS)
    for _ in range(3):
        open_workspace(tmp_path, database).dispose()
    assert len(list_experiments(tmp_path, database)) == 3


def test_removing_a_namespace_removes_what_is_in_it(tmp_path, database, engine):
    ensure_experiments(tmp_path, database, PATHS)
    with engine.begin() as connection:
        connection.execute(namespace.delete().where(namespace.c.name == "local"))
    assert list_experiments(tmp_path, database) == [ExperimentPath(*PATHS[2])]


# ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folder", ["a b", "what?really", "100%", "#1", "ß🌱", "it's", "x;y&z=1"])
def test_a_root_may_have_any_name(tmp_path, folder):
    ensure_experiments(tmp_path / folder, None, PATHS)
    assert (tmp_path / folder / "workspace.db").is_file()
    assert len(list_experiments(tmp_path / folder, None)) == 3


def test_a_root_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as caught:
        ensure_experiments(tmp_path / "file", None, PATHS)
    assert caught.value.code == "workspace.unreachable"


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "workspace.db").write_text("not a database, but long enough to be taken for one" * 99)
    with pytest.raises(Unavailable) as caught:
        list_experiments(tmp_path, None)
    assert caught.value.code == "workspace.unreachable"
    assert str(tmp_path) in str(caught.value)


def test_an_address_where_nobody_answers_is_told_without_its_password(tmp_path):
    pytest.importorskip("psycopg")
    address = f"postgresql://ann:secret@/x?host={tmp_path}"
    with pytest.raises(Unavailable) as caught:
        list_experiments(tmp_path, address)
    assert caught.value.code == "workspace.unreachable"
    assert "secret" not in str(caught.value)


def test_a_full_disk_is_told(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.xfail("mounting a small file system needs the right to mount")
    try:
        ensure_experiments(place, None, PATHS)
        with (place / "filler").open("wb", buffering=0) as file:
            file.write(b"\1" * (1 << 20))
        with pytest.raises(Unavailable) as caught:
            ensure_experiments(place, None, [("local", "p", f"{number} {'x' * 200}") for number in range(5000)])
        assert caught.value.code == "workspace.unreachable"
        (place / "filler").unlink()
        ensure_experiments(place, None, [("local", "p", "after")])
        assert len(list_experiments(place, None)) == 4
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_workspace_is_closed_after_use(tmp_path):
    ensure_experiments(tmp_path, None, PATHS)
    with closing(open_workspace(tmp_path, None).raw_connection()) as connection:
        assert connection.cursor().execute("PRAGMA journal_mode").fetchone() == ("wal",)
