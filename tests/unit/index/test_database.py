"""The thin layer over both engines: the same statement, the same rows, the same errors."""

import contextlib
import math
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core.addresses import is_postgres_address
from everbloom.core.errors import Corrupt, InvalidInput, NotFound, Unavailable
from everbloom.index.database import indexer_lock, open_database
from everbloom.index.engine import escape_text, unescape_text

ODD_TEXTS = [
    "",
    "plain",
    "a\0b",
    "\0",
    "\x1a0000",
    "\x1a",
    "lone \ud800 surrogate \udfff",
    "🌱 naïve 'quoted' \"twice\" %s ? % ?? -- ; \\",
    "line\nbreak\ttab",
]


def make_table(database) -> None:
    database.create("CREATE TABLE t (id {serial}, name {text}, number {real}, count {int}, data {blob})")


def insert_in_transaction(database, *statements, error=None) -> None:
    with database.transaction():
        for statement in statements:
            database.execute(statement)
        if error:
            raise error


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_comes_back_as_it_went_in(database, text):
    make_table(database)
    database.execute("INSERT INTO t (name) VALUES (?)", (text,))
    assert database.execute("SELECT name FROM t") == [(text,)]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_is_found_by_equality(database, text):
    make_table(database)
    database.execute_many("INSERT INTO t (name) VALUES (?)", [(each,) for each in ODD_TEXTS])
    assert database.execute("SELECT count(*) FROM t WHERE name = ?", (text,)) == [(1,)]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_unescaping_undoes_escaping(text):
    assert unescape_text(escape_text(text)) == text


def test_escaped_texts_stay_distinct():
    assert len({escape_text(text) for text in [*ODD_TEXTS, "\x1a\0", "\x1a001a", "001a"]}) == len(ODD_TEXTS) + 3


def test_blobs_come_back_as_bytes_whatever_buffer_went_in(database):
    make_table(database)
    raw = bytes(range(256)) * 3
    database.execute_many("INSERT INTO t (data) VALUES (?)", [(raw,), (memoryview(raw),), (bytearray(raw),)])
    rows = database.execute("SELECT data FROM t")
    assert rows == [(raw,)] * 3
    assert {type(row[0]) for row in rows} == {bytes}


@pytest.mark.parametrize("number", [0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf])
def test_numbers_keep_every_bit(database, number):
    make_table(database)
    database.execute("INSERT INTO t (number) VALUES (?)", (number,))
    assert database.execute("SELECT number FROM t") == [(number,)]


@pytest.mark.parametrize("count", [0, -1, 2**31, 2**63 - 1, -(2**63)])
def test_integers_reach_the_ends_of_int64(database, count):
    make_table(database)
    database.execute("INSERT INTO t (count) VALUES (?)", (count,))
    assert database.execute("SELECT count FROM t WHERE count = ?", (count,)) == [(count,)]


def test_text_sorts_by_code_point_on_both_engines(database):
    make_table(database)
    database.execute_many("INSERT INTO t (name) VALUES (?)", [(c,) for c in ["b", "A", "a", "é", "Z", "_", "ß"]])
    rows = database.execute("SELECT name FROM t ORDER BY name")
    assert "".join(name for (name,) in rows) == "AZ_abßé"


def test_percent_and_question_mark_in_quotes_are_text(database):
    rows = database.execute("SELECT 'is it 100 %s? it''s', ? WHERE 'abc' LIKE 'a%' AND 7 % 4 = 3", ("x",))
    assert rows == [("is it 100 %s? it's", "x")]


def test_conflict_and_returning_are_written_once_for_both(database):
    database.create("CREATE TABLE c (k {text} PRIMARY KEY, v {int})")
    sql = "INSERT INTO c (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v"
    assert database.execute(sql, ("a", 1)) == [("a", 1)]
    assert database.execute(sql, ("a", 2)) == [("a", 2)]
    assert database.execute("SELECT k, v FROM c") == [("a", 2)]


def test_serial_keys_count_up(database):
    make_table(database)
    ids = [database.execute("INSERT INTO t (name) VALUES ('x') RETURNING id")[0][0] for _ in range(3)]
    assert ids == [1, 2, 3]


def test_a_transaction_commits_as_one(database, database_address):
    make_table(database)
    with database.transaction():
        database.execute("INSERT INTO t (name) VALUES ('a')")
        with database_address.open(read_only=True) as reader:
            assert reader.execute("SELECT name FROM t") == []
    with database_address.open(read_only=True) as reader:
        assert reader.execute("SELECT name FROM t") == [("a",)]


def test_a_transaction_that_raises_leaves_nothing(database):
    make_table(database)
    with pytest.raises(KeyboardInterrupt):
        insert_in_transaction(database, "INSERT INTO t (name) VALUES ('a')", error=KeyboardInterrupt())
    assert database.execute("SELECT name FROM t") == []
    assert not database.in_transaction


def test_a_failed_statement_rolls_the_transaction_back(database):
    make_table(database)
    with pytest.raises(Exception, match="nowhere"):
        insert_in_transaction(database, "INSERT INTO t (name) VALUES ('a')", "SELECT * FROM nowhere")
    assert database.execute("SELECT name FROM t") == []


def test_transactions_do_not_nest(database):
    with database.transaction(), pytest.raises(RuntimeError, match="nest"), database.transaction():
        pass
    assert not database.in_transaction


def test_many_rows_are_written_as_one_or_not_at_all(database):
    database.create("CREATE TABLE c (k {int} PRIMARY KEY)")
    with pytest.raises(Exception, match=r"(?i)unique"):
        database.execute_many("INSERT INTO c (k) VALUES (?)", [(1,), (2,), (1,)])
    assert database.execute("SELECT k FROM c") == []


def test_a_reader_works_while_a_writer_is_in_a_transaction(database, database_address):
    make_table(database)
    database.execute("INSERT INTO t (name) VALUES ('before')")
    with database.transaction(), database_address.open(read_only=True) as reader:
        database.execute("DELETE FROM t")
        assert reader.execute("SELECT name FROM t") == [("before",)]


def test_a_reader_cannot_write(database, database_address):
    make_table(database)
    with database_address.open(read_only=True) as reader, pytest.raises(Unavailable) as caught:
        reader.execute("INSERT INTO t (name) VALUES ('x')")
    assert caught.value.code == "index.readonly"


def test_reading_what_was_never_written_says_so(database_address):
    with pytest.raises(NotFound) as caught:
        database_address.open(read_only=True)
    assert caught.value.code == "index.missing"


def test_closing_twice_is_allowed(database_address):
    database = database_address.open()
    database.close()
    database.close()


def test_one_indexer_at_a_time(database_address, tmp_path):
    with database_address.open() as first, database_address.open() as second, indexer_lock(first, tmp_path):
        with pytest.raises(Unavailable) as caught, indexer_lock(second, tmp_path, wait_s=0.02):
            pass
        assert caught.value.code == "index.busy"


def test_locks_of_other_names_do_not_exclude_each_other(database_address, tmp_path):
    with (
        database_address.open() as first,
        database_address.open() as second,
        indexer_lock(first, tmp_path, name="a"),
        indexer_lock(second, tmp_path, name="b"),
    ):
        pass


def test_the_lock_is_free_again_afterwards(database_address, tmp_path):
    with database_address.open() as first, database_address.open() as second:
        with pytest.raises(ZeroDivisionError), indexer_lock(first, tmp_path):
            _ = 1 / 0
        with indexer_lock(second, tmp_path):
            pass


def test_the_lock_ends_with_its_process(tmp_path):
    code = f"""
        import os, pathlib, signal
        from everbloom.index.database import indexer_lock, open_database
        root = pathlib.Path({str(tmp_path)!r})
        with indexer_lock(open_database(root / "index.db"), root):
            print("held", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False)
    assert child.stdout == b"held\n"
    with open_database(tmp_path / "index.db") as database, indexer_lock(database, tmp_path):
        pass


def test_a_root_that_cannot_hold_a_lock_is_readonly(tmp_path):
    (tmp_path / "locks").write_text("a file where the folder should be")
    database = open_database(tmp_path / "index.db")
    with database, pytest.raises(Unavailable) as caught, indexer_lock(database, tmp_path):
        pass
    assert caught.value.code == "index.readonly"


def test_a_busy_file_is_unavailable_not_corrupt(tmp_path):
    with open_database(tmp_path / "a.db") as writer, open_database(tmp_path / "a.db") as other:
        other.execute("PRAGMA busy_timeout = 1")
        with writer.transaction(), pytest.raises(Unavailable) as caught, other.transaction():
            pass
    assert caught.value.code == "index.locked"


def test_a_file_that_is_no_database_is_corrupt(tmp_path):
    (tmp_path / "a.db").write_bytes(b"not a database at all, " * 100)
    for read_only in (False, True):
        with pytest.raises(Corrupt) as caught:
            open_database(tmp_path / "a.db", read_only=read_only)
        assert caught.value.code == "index.corrupt"


def test_a_full_database_is_a_full_disk_and_loses_nothing_committed(tmp_path):
    with open_database(tmp_path / "a.db") as database:
        database.create("CREATE TABLE t (data {blob})")
        database.execute("INSERT INTO t VALUES (?)", (b"kept",))
        database.execute("PRAGMA max_page_count = 20")
        with pytest.raises(Unavailable) as caught:
            insert_in_transaction(database, *["INSERT INTO t VALUES (zeroblob(4096))"] * 100)
        assert caught.value.code == "disk.full"
        assert database.execute("SELECT data FROM t") == [(b"kept",)]


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Be nobody for a moment: root may write anywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_in_a_folder_that_cannot_be_written_can_be_read():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        path = Path(folder) / "store" / "a.db"
        with open_database(path) as database:
            database.create("CREATE TABLE t (name {text})")
            database.execute("INSERT INTO t VALUES ('x')")
        assert [each.name for each in path.parent.iterdir()] == ["a.db"]
        Path(folder).chmod(0o755)
        path.parent.chmod(0o555)
        with without_root(), open_database(path, read_only=True) as reader:
            assert reader.execute("SELECT name FROM t") == [("x",)]
        path.parent.chmod(0o755)


def test_sqlite_keeps_a_mistake_in_sql_as_it_is(tmp_path):
    with open_database(tmp_path / "a.db") as database, pytest.raises(sqlite3.OperationalError, match="nowhere"):
        database.execute("SELECT * FROM nowhere")


@pytest.mark.postgres
def test_a_schema_name_cannot_carry_sql(postgres_address):
    with pytest.raises(InvalidInput) as caught:
        open_database(postgres_address, schema="x; DROP SCHEMA public")
    assert caught.value.code == "index.schema_name"


def test_a_server_that_is_not_there_is_unreachable_and_the_password_stays_secret(tmp_path):
    with pytest.raises(Unavailable) as caught:
        open_database(f"postgresql://me:s3cret@/x?host={tmp_path}")
    assert caught.value.code == "index.unreachable"
    assert "s3cret" not in str(caught.value)


@pytest.mark.postgres
def test_a_lost_connection_is_unreachable(database_address):
    if database_address.engine == "sqlite":
        return
    with database_address.open() as victim, database_address.open() as other:
        (pid,) = victim.execute("SELECT pg_backend_pid()")[0]
        other.execute("SELECT pg_terminate_backend(?)", (pid,))
        with pytest.raises(Unavailable) as caught:
            victim.execute("SELECT 1")
    assert caught.value.code == "index.unreachable"


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("/root/index.db", False),
        ("/root/host/index.db", False),
        ("postgresql:///x", True),
        ("postgres://u@h/x", True),
        ("host=/tmp dbname=x", True),
    ],
)
def test_addresses_tell_their_engine(address, answer):
    assert is_postgres_address(address) is answer


def test_opening_sqlite_loads_neither_sqlalchemy_nor_psycopg(tmp_path):
    code = (
        "import sys, pathlib; from everbloom.index.database import open_database; "
        f"open_database(pathlib.Path({str(tmp_path / 'a.db')!r})).close(); "
        "print(sorted({'sqlalchemy', 'psycopg', 'numpy'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert answer.stdout == "[]\n"
