"""`everbloom doctor` says how a store records, and names what keeps it from recording or showing."""

import contextlib
import json
import subprocess

import pytest

from everbloom.core import layout
from everbloom.core.ids import RunId
from everbloom.index.documents import Document
from everbloom.index.store import open_index
from everbloom.journal.registry import register_writer
from everbloom.testing.command_line import run_cli
from everbloom.testing.journals import raise_version
from everbloom.testing.recorded import run_script
from everbloom.testing.stores import RunSpec, open_run, record_run

ONE_RUN = """
    import everbloom as eb
    with eb.init() as run:
        run.log({"loss": 1.0})
"""


def examine(root, **variables):
    done = run_cli(root, "doctor", "--json", variables=variables)
    return done.code, {finding["what"]: finding for finding in json.loads(done.out)}


def test_a_store_that_is_well_is_said_to_be_so(tmp_path):
    run_script(tmp_path, ONE_RUN)
    run_cli(tmp_path, "ls")
    code, found = examine(tmp_path)
    assert code == 0
    assert found["store"] == {"what": "store", "state": "well", "seen": str(tmp_path), "advice": ""}
    assert found["index"]["seen"] == "1 run on SQLite"
    assert found["clock"]["state"] == "well"
    assert "memory-mapped" in found["recording"]["seen"] or "one write()" in found["recording"]["seen"]


def test_looking_changes_nothing(tmp_path):
    run_script(tmp_path, ONE_RUN)
    before = sorted(tmp_path.rglob("*"))
    assert examine(tmp_path)[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_store_that_is_not_there_yet_is_well(tmp_path):
    code, found = examine(tmp_path / "not" / "yet")
    assert code == 0
    assert "the first run will make" in found["store"]["seen"]
    assert not (tmp_path / "not").exists()


def test_a_damaged_index_is_failing_and_the_way_out_works(tmp_path):
    run_script(tmp_path, ONE_RUN)
    run_cli(tmp_path, "ls")
    for path in (tmp_path / "index").rglob("*.db"):
        path.write_bytes(b"no database at all" * 1000)
    code, found = examine(tmp_path)
    assert code == 1
    assert found["index"]["state"] == "failing"
    assert "everbloom reindex" in found["index"]["advice"]
    assert run_cli(tmp_path, "reindex").code == 0
    assert examine(tmp_path)[0] == 0


def test_a_server_that_cannot_be_reached_is_failing(tmp_path):
    run_script(tmp_path, ONE_RUN)
    code, found = examine(tmp_path, EVERBLOOM_DATABASE="postgresql://127.0.0.1:1/none")
    assert code == 1
    assert found["index"]["state"] == "failing"
    assert "check that the server runs" in found["index"]["seen"]
    assert "reindex" not in found["index"]["advice"]  # it needs the same server


def test_a_store_that_cannot_be_written_is_failing_and_named(tmp_path):
    place = tmp_path / "sealed"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1M,ro", "tmpfs", str(place)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.xfail("mounting a read-only file system needs the right to mount")
    try:
        code, found = examine(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
    assert code == 1
    assert found["store"]["seen"] == f"{place} cannot be written: Read-only file system"
    assert "EVERBLOOM_ROOT" in found["store"]["advice"]


def test_journals_that_wait_to_be_taken_in_are_counted(tmp_path):
    run_script(tmp_path, ONE_RUN)
    run_cli(tmp_path, "ls")
    register_writer(tmp_path, "0" * 32, "0" * 16)
    assert examine(tmp_path)[1]["journals"]["seen"].startswith("1 journal being written")


def test_people_get_a_line_for_each_finding(tmp_path):
    done = run_cli(tmp_path, "doctor")
    assert [line[0] for line in done.out.splitlines() if not line.startswith(" ")] != []
    assert "store" in done.out


def record_named(root, name):
    """Record a run that nobody has looked at; returns its first segment."""
    run = record_run(root, RunSpec(fields={"name": name}))
    layout.names_path(root).parent.mkdir(exist_ok=True)
    with layout.names_path(root).open("a") as file:
        file.write(f"{run} {name}\n")
    (segment,) = layout.run_dir(root, run).rglob("0.seg")
    return segment


def test_journals_that_cannot_be_read_are_a_warning_with_the_reason(tmp_path):
    record_named(tmp_path, "good")
    run_cli(tmp_path, "ls")
    newer, empty = record_named(tmp_path, "newer"), record_named(tmp_path, "empty")
    newer.write_bytes(raise_version(newer.read_bytes()))
    empty.write_bytes(b"")
    for _ in range(2):  # whether the index knows of it already or not
        code, found = examine(tmp_path)
        assert code == 0
        journals = found["journals"]
        assert journals["state"] == "warning"
        assert journals["seen"].startswith("0 journals being written, 2 that cannot be read: ")
        assert str(newer) in journals["seen"] or str(empty) in journals["seen"]
        assert "upgrade" in journals["advice"]
        assert "not all could be read of 2 runs" in "".join(run_cli(tmp_path, "ls").lines)
    assert {name for name in ("newer", "empty") if name in found["damage"]["seen"]} == {"newer", "empty"}
    run_cli(tmp_path, "reindex")
    assert examine(tmp_path)[1]["journals"]["state"] == "warning"


def test_what_is_not_taken_in_is_told_from_what_is_being_written(tmp_path):
    record_run(tmp_path, RunSpec())
    run_cli(tmp_path, "ls")
    with contextlib.closing(open_run(tmp_path, RunSpec(end=None))):
        record_run(tmp_path, RunSpec())
        assert examine(tmp_path)[1]["journals"]["seen"] == "0 journals being written, 2 not yet taken in"
        run_cli(tmp_path, "ls")
        assert examine(tmp_path)[1]["journals"]["seen"] == "1 journal being written"


def test_an_index_that_is_not_built_yet_is_not_said_to_hold_no_runs(tmp_path):
    record_run(tmp_path, RunSpec())
    seen = examine(tmp_path)[1]["index"]["seen"]
    assert seen == "none yet, on SQLite; `everbloom ls` builds it from the journals"
    with open_index(tmp_path, None) as index, index.catalog_database.transaction():
        document = Document({"namespace": "local", "project": "p", "name": "n", "created": 1, "id": "1" * 32})
        index.catalog.write_run(RunId("1" * 32), document, is_open=False, now_us=0)
    index = examine(tmp_path)[1]["index"]
    assert index["state"] == "warning"
    assert index["seen"].startswith("1 run so far on SQLite")
